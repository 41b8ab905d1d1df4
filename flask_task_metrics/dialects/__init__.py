"""SQL that differs between databases: one construct for each idea, compiled for each database."""

from .databases import FAMILIES, PerDatabase, family_of, is_mariadb
from .elapsed import elapsed_ms, elapsed_us
from .epochs import epoch_timestamp
from .membership import is_one_of
from .moments import MICROSECOND, Moment
from .percentile_disc import has_percentile_disc, sorted_ranks, sorted_ranks_of_groups
from .steps import StepStart, number_of_key, step_key, step_number
from .subqueries import computed_once, materialized, shared_cte
from .texts import (
    both_ends,
    exact_text,
    first_characters,
    group_key,
    group_text,
    sent_text,
    unicode_text,
)
from .timestamps import (
    Instant,
    UtcSecond,
    before,
    has_text_timestamps,
    has_time_zone,
    instant,
    not_before,
)
from .unreadable import UNREADABLE, is_unreadable

__all__ = [
    "FAMILIES",
    "MICROSECOND",
    "UNREADABLE",
    "Instant",
    "Moment",
    "PerDatabase",
    "StepStart",
    "UtcSecond",
    "before",
    "both_ends",
    "computed_once",
    "elapsed_ms",
    "elapsed_us",
    "epoch_timestamp",
    "exact_text",
    "family_of",
    "first_characters",
    "group_key",
    "group_text",
    "has_percentile_disc",
    "has_text_timestamps",
    "has_time_zone",
    "instant",
    "is_mariadb",
    "is_one_of",
    "is_unreadable",
    "materialized",
    "not_before",
    "number_of_key",
    "sent_text",
    "shared_cte",
    "sorted_ranks",
    "sorted_ranks_of_groups",
    "step_key",
    "step_number",
    "unicode_text",
]
