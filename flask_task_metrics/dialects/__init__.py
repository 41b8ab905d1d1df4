"""The only place that names a database."""

from .building import Step, run_step
from .catalog import existing_indexes
from .clock import a_second_of_work, coarse_columns, is_not_utc, utc_now
from .constructs import (
    Instant,
    UtcSecond,
    computed_once,
    elapsed_ms,
    exact_text,
    group_key,
    instant,
    not_before,
    read_once,
    sorts_as_it_aggregates,
    unicode_text,
)
from .ddl import effect_on_writers, key_lengths, obstacle, steps_to_build
from .names import index_name
from .plans import plan_of, scanned_tables
from .read_only import SUPPORTED, is_conflict, is_in_use, is_timeout, read_only_view

__all__ = [
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
    "sorts_as_it_aggregates",
    "steps_to_build",
    "unicode_text",
    "utc_now",
]
