"""The only place that names a database."""

from .building import Step, run_step
from .catalog import existing_indexes
from .clock import a_second_of_work, coarse_columns, is_not_utc, utc_now
from .ddl import effect_on_writers, key_lengths, obstacle, steps_to_build
from .fences import computed_once, read_once
from .names import index_name
from .plans import plan_of, scanned_tables
from .read_only import SUPPORTED, is_conflict, is_in_use, is_timeout, read_only_view
from .sorting import sorted_ranks, sorts_fast
from .texts import EXACT_TEXT, exact_text, group_key, unicode_text
from .timestamps import Instant, UtcSecond, elapsed_ms, instant, not_before

__all__ = [
    "EXACT_TEXT",
    "SUPPORTED",
    "Instant",
    "Step",
    "UtcSecond",
    "a_second_of_work",
    "coarse_columns",
    "computed_once",
    "effect_on_writers",
    "elapsed_ms",
    "exact_text",
    "existing_indexes",
    "group_key",
    "index_name",
    "instant",
    "is_conflict",
    "is_in_use",
    "is_not_utc",
    "is_timeout",
    "key_lengths",
    "not_before",
    "obstacle",
    "plan_of",
    "read_once",
    "read_only_view",
    "run_step",
    "scanned_tables",
    "sorted_ranks",
    "sorts_fast",
    "steps_to_build",
    "unicode_text",
    "utc_now",
]
