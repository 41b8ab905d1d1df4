"""Percentiles by sorting, where a database has them and sorts faster than it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from .fences import computed_once

NEXT_RANK = 1e-12
"""What makes `percentile_disc`, which takes rank n * p / 100 where that is whole, take the next one
as `sorted[n * p // 100]` does; right up to ten thousand million samples.
"""


def sorts_fast(dialect: sa.Dialect) -> bool:
    """Whether a database is better given `sorted_ranks`."""
    return dialect.name == "postgresql"


def sorted_ranks(durations: sa.Select[Any], shares: Mapping[str, float]) -> sa.Select[Any]:
    """A row (figure, samples, total, the nearest rank at each share of the samples, max) for each
    column of `durations`. What is negative is no sample.
    """
    # As a subquery, each part of the union may be given to a process of its own.
    sorts = sa.union_all(
        *(_sort(column, durations, shares) for column in durations.selected_columns)
    )
    measured = sorts.subquery().c
    return sa.select(
        measured.figure,
        measured.samples,
        measured.total,
        *(
            measured.ranks[number].label(name)
            for number, name in enumerate([*shares, "max"], start=1)
        ),
    )


def _sort(duration: Any, durations: sa.Select[Any], shares: Mapping[str, float]) -> sa.Select[Any]:
    ms = computed_once(durations.with_only_columns(duration.label("ms"))).c.ms
    # All in one array, for which they are sorted once.
    fractions = sa.literal(
        [*(share + NEXT_RANK for share in shares.values()), 1.0], sa.ARRAY(sa.Double)
    )
    ranks = sa.func.percentile_disc(fractions).within_group(ms)
    return sa.select(
        sa.literal(duration.name).label("figure"),
        sa.func.count().label("samples"),
        sa.func.sum(ms).label("total"),
        sa.type_coerce(ranks, sa.ARRAY(sa.BigInteger)).label("ranks"),
    ).where(ms >= 0)
