"""Percentiles by selection: durations far from every percentile are counted in bulk, and only the
others one by one.

Which are far, a sample tells, as in SELECT by R. W. Floyd and R. L. Rivest (Communications of the
ACM 18/3, 1975). The count itself shows whether the sample was right, and nothing is estimated.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa

from .conditions import bound
from .dialects import computed_once

PARTS = 10_000
"""What a rank is counted in: so many parts of all samples come before it, a whole number."""

PERCENTILES = {"p50": 5_000, "p95": 9_500, "p99": 9_900}

SAMPLED_FROM = 10_000
"""Fewer durations are as soon counted one by one."""

DEVIATIONS = 3.5
"""How many standard deviations a sample's percentile may be off, before a second count is needed.
Wider margins leave more to count one by one.
"""

Gaps: TypeAlias = tuple[tuple[int, int], ...]
"""The milliseconds, from a start to before an end, whose durations are counted in bulk: those below
each percentile, down to the one before.
"""

NO_GAPS: Gaps = ((0, 0),) * len(PERCENTILES)

BOUNDS = ("p50_from", "p50_to", "p95_from", "p95_to", "p99_from")
"""The ranks of a sample that the percentiles of all durations should be between; what is above the
last one is so little that it is counted one by one.
"""


def sampled_one_in(samples: int) -> int:
    """One in how many of so many durations to look at first, 1 for all: as Floyd and Rivest have
    it, what balances the sample's cost with that of what it leaves to count one by one.
    """
    return int(samples ** (1 / 3)) if samples >= SAMPLED_FROM else 1


def bounds(size: float) -> dict[str, int]:
    """The parts of a sample before each of its `BOUNDS`, for a sample of about a size."""
    ranks: list[int] = []
    for part in PERCENTILES.values():
        share = part / PARTS
        margin = math.ceil(DEVIATIONS * math.sqrt(share * (1 - share) / size) * PARTS)
        ranks += [part - margin, part + margin]
    return dict(zip(BOUNDS, ranks[:-1], strict=True))


def gaps_between(durations: Sequence[int]) -> Gaps:
    """The gaps that leave out what is between the durations at the `BOUNDS` of a sample."""
    starts = (0, *(duration + 1 for duration in durations[1::2]))
    ends = durations[::2]
    return tuple((start, max(start, end)) for start, end in zip(starts, ends, strict=True))


def closed(gaps: Gaps, durations: Collection[int]) -> Gaps:
    """The gaps without those that one of the durations is in, which then stands at its start."""
    return tuple((start, start if start in durations else end) for start, end in gaps)


def gap_parameters(gaps: Mapping[str, Gaps]) -> dict[str, int]:
    """What has `selected_ranks` count each figure's durations in its gaps in bulk."""
    return {
        name: edge
        for figure, gaps_of_figure in gaps.items()
        for number, gap in enumerate(gaps_of_figure)
        for name, edge in zip(_edges(figure, number), gap, strict=True)
    }


def _edges(figure: str, number: int) -> tuple[str, str]:
    """The names that the start and the end of a gap are bound under."""
    return f"{figure}_gap{number}_start", f"{figure}_gap{number}_end"


def selected_ranks(durations: sa.Select[Any], ranks: Mapping[str, Any]) -> sa.Select[Any]:
    """A row (figure, samples, total, the ranks, max) for each column of `durations`; without
    samples there is none. What is negative is no sample.

    A rank or maximum that lies in a gap is the gap's start. Without parameters there are no gaps.
    """
    figures = [column.name for column in durations.selected_columns]
    ranked = _ranked(_histogram(_combinations(durations), figures)).c
    return sa.select(
        sa.case(dict(enumerate(figures)), value=ranked.figure).label("figure"),
        sa.func.max(ranked.samples).label("samples"),
        sa.func.sum(ranked.total).label("total"),
        *(_rank(ranked, part).label(name) for name, part in ranks.items()),
        sa.func.max(ranked.duration).label("max"),
    ).group_by(ranked.figure)


def _combinations(durations: sa.Select[Any]) -> sa.Subquery:
    """A row (a bin of each figure, its total of each figure, tasks) for each combination of bins,
    in one pass over the durations for all figures.
    """
    rows = computed_once(durations).c
    tasks = sa.select(*rows, *(_bin(column) for column in rows)).subquery().c
    bins = [tasks[f"{column.name}_bin"] for column in rows]
    totals = (sa.func.sum(tasks[column.name]).label(f"{column.name}_total") for column in rows)
    return sa.select(*bins, *totals, sa.func.count().label("tasks")).group_by(*bins).subquery()


def _bin(duration: Any) -> sa.ColumnElement[Any]:
    """A duration itself, or the start of the gap that it is in; null where it is negative."""
    whens: list[tuple[sa.ColumnElement[bool], Any]] = [(duration < 0, sa.null())]
    for number in range(len(NO_GAPS)):
        start, end = (bound(name, 0, sa.BigInteger()) for name in _edges(duration.name, number))
        whens += [(duration < start, duration), (duration < end, start)]
    return sa.case(*whens, else_=duration).label(f"{duration.name}_bin")


def _histogram(combinations: sa.Subquery, figures: Sequence[str]) -> sa.Subquery:
    """A row (figure, duration, tasks, total) for each bin of each figure, a figure being its
    number.
    """
    numbers = sa.union_all(
        *(sa.select(sa.literal(number).label("n")) for number, _ in enumerate(figures))
    )
    figure = numbers.subquery("figures").c.n

    def of_figure(suffix: str) -> sa.ColumnElement[Any]:
        columns = (combinations.c[f"{name}_{suffix}"] for name in figures)
        return sa.case(dict(enumerate(columns)), value=figure)

    # Joined with each figure, a combination is computed once for all of them.
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
    """The histogram, with how many samples each bin and those before it have, and all have."""
    bins = histogram.c
    tasks = sa.func.sum(bins.tasks)
    return sa.select(
        histogram,
        tasks.over(partition_by=bins.figure, order_by=bins.duration).label("up_to"),
        tasks.over(partition_by=bins.figure).label("samples"),
    ).subquery()


def _rank(ranked: Any, part: Any) -> sa.ColumnElement[Any]:
    """sorted[n * part // PARTS]: the first that more than n * part / PARTS do not exceed."""
    return sa.func.min(sa.case((ranked.up_to * PARTS > ranked.samples * part, ranked.duration)))
