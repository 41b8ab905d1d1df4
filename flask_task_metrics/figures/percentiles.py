"""Percentiles by selection, for SQLite, MariaDB and MySQL: durations near a percentile are counted
one by one, the others in bulk.

A sample locates the percentiles, as in SELECT by R. W. Floyd and R. L. Rivest
(Communications of the ACM 18/3, 1975). The count itself shows if the sample was wrong, so nothing
is estimated.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.dialects import materialized

from .parameters import parameter, values

BASIS_POINTS = 10_000
"""A rank is a whole number of basis points: 9,500 for p95."""

PERCENTILES = {"p50": 5_000, "p95": 9_500, "p99": 9_900}

FRACTIONS = {name: points / BASIS_POINTS for name, points in PERCENTILES.items()}

SAMPLED_FROM = 10_000
"""Below so many durations a sample does not pay: all are counted one by one."""

DEVIATIONS = 3.5
"""A sample's percentile may be off by so many standard deviations before a second count is needed.
Wider margins leave more durations to count one by one.
"""

Gaps: TypeAlias = tuple[tuple[int, int], ...]
"""Ranges of milliseconds whose durations are counted in bulk: one below each percentile, down to
the percentile before. The end is not in the range.
"""

NO_GAPS: Gaps = ((0, 0),) * len(PERCENTILES)

BOUNDS = ("p50_from", "p50_to", "p95_from", "p95_to", "p99_from")
"""Ranks of a sample that enclose the percentiles of all durations. The few durations above the last
one are counted one by one.
"""


def sampled_one_in(samples: int) -> int:
    """Return n to sample one in n of so many durations; 1 for all of them.

    Floyd and Rivest's choice: the sample costs as much as the durations that it leaves to count one
    by one.
    """
    return int(samples ** (1 / 3)) if samples >= SAMPLED_FROM else 1


def bounds(size: float) -> dict[str, int]:
    """Return the basis points of each of the `BOUNDS`, for a sample of about `size` durations."""
    ranks: list[int] = []
    for points in PERCENTILES.values():
        share = points / BASIS_POINTS
        margin = math.ceil(DEVIATIONS * math.sqrt(share * (1 - share) / size) * BASIS_POINTS)
        ranks += [points - margin, points + margin]
    return dict(zip(BOUNDS, ranks[:-1], strict=True))


def gaps_between(durations: Sequence[int]) -> Gaps:
    """Return the gaps between a sample's durations at its `BOUNDS`."""
    starts = (0, *(duration + 1 for duration in durations[1::2]))
    ends = durations[::2]
    return tuple((start, max(start, end)) for start, end in zip(starts, ends, strict=True))


def close_gaps(gaps: Gaps, durations: Collection[int]) -> Gaps:
    """Close the gaps that contain a percentile: `selected_ranks` gives it as the gap's start."""
    return tuple((start, start if start in durations else end) for start, end in gaps)


def gap_values(gaps: Mapping[str, Gaps]) -> dict[str, int]:
    """Return the values of the gaps' parameters in `selected_ranks`."""
    edges = {
        name: edge
        for figure, gaps_of_figure in gaps.items()
        for number, gap in enumerate(gaps_of_figure)
        for name, edge in zip(_gap_parameters(figure, number), gap, strict=True)
    }
    return values(**edges)


def _gap_parameters(figure: str, number: int) -> tuple[str, str]:
    """Return the parameter names of a gap's start and end."""
    return f"{figure}_gap{number}_start", f"{figure}_gap{number}_end"


def selected_ranks(durations: sa.Select[Any], ranks: Mapping[str, Any]) -> sa.Select[Any]:
    """Select a row (figure, samples, total, the ranks, max) for each column of `durations` that has
    samples. Negative durations are no samples.

    A rank or maximum inside a gap comes out as the gap's start. The gaps are parameters: see
    `gap_values`.
    """
    figures = [column.name for column in durations.selected_columns]
    ranked = _ranked(_histogram(_combinations(durations), figures)).c
    return sa.select(
        sa.case(dict(enumerate(figures)), value=ranked.figure).label("figure"),
        sa.func.max(ranked.samples).label("samples"),
        sa.func.sum(ranked.total).label("total"),
        *(_rank(ranked, points).label(name) for name, points in ranks.items()),
        sa.func.max(ranked.duration).label("max"),
    ).group_by(ranked.figure)


def _combinations(durations: sa.Select[Any]) -> sa.Subquery:
    """Select a row (a bin of each figure, the total of each figure, tasks) for each combination of
    bins, in one pass over the durations of all figures.
    """
    rows = materialized(durations).c
    tasks = sa.select(*rows, *(_bin(column) for column in rows)).subquery().c
    bins = [tasks[f"{column.name}_bin"] for column in rows]
    totals = (sa.func.sum(tasks[column.name]).label(f"{column.name}_total") for column in rows)
    return sa.select(*bins, *totals, sa.func.count().label("tasks")).group_by(*bins).subquery()


def _bin(duration: Any) -> sa.ColumnElement[Any]:
    """Return a duration, or the start of its gap; null if it is negative."""
    whens: list[tuple[sa.ColumnElement[bool], Any]] = [(duration < 0, sa.null())]
    for number in range(len(NO_GAPS)):
        start, end = (
            parameter(name, sa.BigInteger()) for name in _gap_parameters(duration.name, number)
        )
        whens += [(duration < start, duration), (duration < end, start)]
    return sa.case(*whens, else_=duration).label(f"{duration.name}_bin")


def _histogram(combinations: sa.Subquery, figures: Sequence[str]) -> sa.Subquery:
    """Select a row (the number of a figure, duration, tasks, total) for each bin of each figure."""
    numbers = sa.union_all(
        *(sa.select(sa.literal(number).label("n")) for number, _ in enumerate(figures))
    )
    figure = numbers.subquery("figures").c.n

    def of_figure(suffix: str) -> sa.ColumnElement[Any]:
        columns = (combinations.c[f"{name}_{suffix}"] for name in figures)
        return sa.case(dict(enumerate(columns)), value=figure)

    # The join with the figures' numbers computes a combination once for all figures.
    bins = (
        sa.select(
            figure.label("figure"),
            of_figure("bin").label("duration"),
            combinations.c.tasks,
            of_figure("total").label("total"),
        )
        .join_from(combinations, figure.table, sa.true())
        .subquery()
        .c
    )
    return (
        sa.select(
            bins.figure,
            bins.duration,
            sa.func.sum(bins.tasks).label("tasks"),
            sa.func.sum(bins.total).label("total"),
        )
        .where(bins.duration.is_not(None))
        .group_by(bins.figure, bins.duration)
        .subquery()
    )


def _ranked(histogram: sa.Subquery) -> sa.Subquery:
    """Add to the histogram the samples up to each bin (`up_to`), and of all bins (`samples`)."""
    bins = histogram.c
    tasks = sa.func.sum(bins.tasks)
    return sa.select(
        histogram,
        tasks.over(partition_by=bins.figure, order_by=bins.duration).label("up_to"),
        tasks.over(partition_by=bins.figure).label("samples"),
    ).subquery()


def _rank(ranked: Any, points: Any) -> sa.ColumnElement[Any]:
    """Return sorted[n * points // BASIS_POINTS]: the least duration with more samples up to it than
    n * points / BASIS_POINTS.
    """
    is_past = ranked.up_to * BASIS_POINTS > ranked.samples * points
    return sa.func.min(sa.case((is_past, ranked.duration)))
