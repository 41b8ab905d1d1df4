"""The columns of each recommended index, by their meanings."""

KEYS = (
    ("created_at",),
    ("status", "updated_at"),
    # It holds all columns that the latencies need, so a query can skip the table's rows.
    ("status", "completed_at", "created_at", "processing_at"),
)
