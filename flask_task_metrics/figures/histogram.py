"""Percentiles by a histogram, for SQLite, MariaDB and MySQL: durations are counted millisecond by
millisecond.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import materialized

from .percentiles import BASIS_POINTS, PERCENTILES


def counted_ranks(durations: sa.Select[Any]) -> sa.Select[Any]:
    """Select a row (the first column, figure, samples, total, p50, p95, p99, max) for each value of
    the first column of `durations` and each other column that has samples for it.

    Negative durations are no samples.
    """
    group, *columns = durations.selected_columns
    histogram = _histogram(durations).c
    of = histogram.figure, histogram[group.name]
    tasks = sa.func.sum(histogram.tasks)
    ranked = sa.select(
        *histogram,
        tasks.over(partition_by=of, order_by=histogram.duration).label("up_to"),
        tasks.over(partition_by=of).label("samples"),
    )
    rank = ranked.subquery().c
    names = {number: column.name for number, column in enumerate(columns)}
    return sa.select(
        rank[group.name],
        sa.case(names, value=rank.figure).label("figure"),
        sa.func.max(rank.samples).label("samples"),
        sa.func.sum(rank.duration * rank.tasks).label("total"),
        *(
            # The least duration with more samples up to it than n * points / BASIS_POINTS.
            sa.func.min(
                sa.case((rank.up_to * BASIS_POINTS > rank.samples * points, rank.duration))
            ).label(name)
            for name, points in PERCENTILES.items()
        ),
        sa.func.max(rank.duration).label("max"),
    ).group_by(rank.figure, rank[group.name])


def _histogram(durations: sa.Select[Any]) -> sa.Subquery:
    """Select a row (figure, the first column, duration, tasks) for each duration; the figure is a
    number.
    """
    group, *columns = materialized(durations).c
    numbers = (sa.select(sa.literal(number).label("n")) for number, _ in enumerate(columns))
    figure = sa.union_all(*numbers).subquery("figures").c.n
    # The join with the figures' numbers reads a task once for all figures.
    bins = (
        sa.select(
            figure.label("figure"),
            group,
            sa.case(dict(enumerate(columns)), value=figure).label("duration"),
        )
        .join_from(group.table, figure.table, sa.true())
        .subquery()
        .c
    )
    counted = sa.select(*bins, sa.func.count().label("tasks"))
    return counted.where(bins.duration >= 0).group_by(*bins).subquery()
