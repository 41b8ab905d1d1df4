"""The only place that names a database."""

from .building import Step, run_step
from .catalog import existing_indexes
from .clock import a_second_of_work, coarse_columns, is_not_utc, utc_now
from .ddl import effect_on_writers, key_lengths, obstacle, steps_to_build
from .names import index_name
from .percentiles import measure
from .plans import plan_of, scanned_tables
from .read_only import SUPPORTED, is_conflict, is_in_use, is_timeout, read_only_view
from .texts import exact_text, group_key, unicode_text
from .timestamps import Instant, UtcSecond, elapsed_ms, instant, not_before, read_once

__all__ = [
    "SUPPORTED",
    "Instant",
    "Step",
    "UtcSecond",
    "a_second_of_work",
    "coarse_columns",
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
    "measure",
    "not_before",
    "obstacle",
    "plan_of",
    "read_once",
    "read_only_view",
    "run_step",
    "scanned_tables",
    "steps_to_build",
    "unicode_text",
    "utc_now",
]
