"""The only place that names a database."""

from .constructs import (
    Instant,
    UtcSecond,
    computed_once,
    elapsed_ms,
    exact_text,
    group_key,
    grouped_by_sorting,
    instant,
    not_before,
    read_once,
    sorts_as_it_aggregates,
    unicode_text,
)
from .read_only import SUPPORTED, is_conflict, is_in_use, is_timeout, read_only_view

__all__ = [
    "SUPPORTED",
    "Instant",
    "UtcSecond",
    "computed_once",
    "elapsed_ms",
    "exact_text",
    "group_key",
    "grouped_by_sorting",
    "instant",
    "is_conflict",
    "is_in_use",
    "is_timeout",
    "not_before",
    "read_once",
    "read_only_view",
    "sorts_as_it_aggregates",
    "unicode_text",
]
