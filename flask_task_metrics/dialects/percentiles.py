"""Count, sum, nearest ranks and maximum of durations, in the way that costs each database least:
sorting each latency, or counting equal durations together first.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

PERCENTILES = (50, 95, 99)

NEXT_RANK = 1e-12
"""What makes `percentile_disc`, which takes rank n * p / 100 where that is whole, take the next one
as `sorted[n * p // 100]` does; right up to ten thousand million samples.
"""


def measure(durations: sa.Select[Any], dialect: sa.Dialect) -> sa.Executable:
    """A row (figure, samples, total, p50, p95, p99, max) for each column of `durations`; one
    without samples may be left out.
    """
    return _by_sorting(durations) if dialect.name == "postgresql" else _by_counting(durations)


def _by_sorting(durations: sa.Select[Any]) -> sa.Executable:
    # As a subquery, each part of the union may be given to a process of its own.
    sorts = sa.union_all(*(_sort(column, durations) for column in durations.selected_columns))
    measured = sorts.subquery().c
    names = [*(f"p{percent}" for percent in PERCENTILES), "max"]
    return sa.select(
        measured.figure,
        measured.samples,
        measured.total,
        *(measured.ranks[number].label(name) for number, name in enumerate(names, start=1)),
    )


def _sort(duration: Any, durations: sa.Select[Any]) -> sa.Select[Any]:
    alone = durations.with_only_columns(duration.label("ms"))
    # Computed once for a row, however often it is named; without the quotes, the 0 is a cast until
    # the statement is planned, and a cast keeps parallel plans out.
    ms = alone.suffix_with("OFFSET '0'").subquery().c.ms
    # All in one array, for which they are sorted once.
    fractions = sa.literal(
        [*(percent / 100 + NEXT_RANK for percent in PERCENTILES), 1.0], sa.ARRAY(sa.Double)
    )
    ranks = sa.func.percentile_disc(fractions).within_group(ms)
    return sa.select(
        sa.literal(duration.name).label("figure"),
        sa.func.count().label("samples"),
        sa.func.sum(ms).label("total"),
        sa.type_coerce(ranks, sa.ARRAY(sa.BigInteger)).label("ranks"),
    ).where(ms >= 0)


def _by_counting(durations: sa.Select[Any]) -> sa.Executable:
    # Equal durations are counted together first, which leaves few rows to rank.
    rows = durations.cte("durations").c
    return _nearest_ranks(sa.union_all(*(_histogram(column) for column in rows)).subquery().c)


def _histogram(duration: Any) -> sa.Select[Any]:
    # Looked at after the grouping, a duration is compared once for all that have it.
    return (
        sa.select(
            sa.literal(duration.name).label("figure"),
            duration.label("ms"),
            sa.func.count().label("tasks"),
        )
        .group_by(duration)
        .having(duration >= 0)
    )


def _nearest_ranks(histogram: Any) -> sa.Executable:
    tasks = sa.func.sum(histogram.tasks)
    ranks = sa.select(
        histogram,
        tasks.over(partition_by=histogram.figure, order_by=histogram.ms).label("up_to"),
        tasks.over(partition_by=histogram.figure).label("samples"),
    ).subquery("ranks")
    ranked = ranks.c
    # sorted[n * p // 100] is the first duration that more than n * p / 100 samples do not exceed.
    percentiles = [
        sa.case((ranked.up_to * 100 > ranked.samples * percent, ranked.ms))
        for percent in PERCENTILES
    ]
    return sa.select(
        ranked.figure,
        sa.func.max(ranked.samples).label("samples"),
        sa.func.sum(ranked.ms * ranked.tasks).label("total"),
        *(
            sa.func.min(duration).label(f"p{percent}")
            for percent, duration in zip(PERCENTILES, percentiles, strict=True)
        ),
        sa.func.max(ranked.ms).label("max"),
    ).group_by(ranked.figure)
