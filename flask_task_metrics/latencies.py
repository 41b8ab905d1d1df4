"""How long tasks wait and run: the statements, and the reading of their rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from .conditions import bound, bound_second, has_status, is_since, parameters
from .dialects import elapsed_ms, instant, read_once, sorted_ranks, sorts_fast
from .percentiles import (
    BOUNDS,
    NO_GAPS,
    PARTS,
    PERCENTILES,
    SAMPLED_FROM,
    Gaps,
    bounds,
    closed,
    gap_parameters,
    gaps_between,
    sampled_one_in,
    selected_ranks,
)
from .snapshot import Latency, LatencyStats, Window
from .source import TaskSource

FROM_START_TO_END = ("created_at", "processing_at", "completed_at")

LATENCIES = {
    "time_to_processing_ms": ("created_at", "processing_at"),
    "time_to_complete_ms": ("processing_at", "completed_at"),
    "end_to_end_ms": ("created_at", "completed_at"),
}

SLICES = 12
"""How many stretches of a window a sample is taken from, since a window has its rush hours; each of
them starts at a whole second.
"""


def measure_latencies(source: TaskSource, window: Window, dialect: sa.Dialect) -> sa.Select[Any]:
    """A row (figure, samples, total, p50, p95, p99, max) for each latency, in milliseconds; one
    without samples may be left out.
    """
    in_window = is_since(source.rows.c.completed_at, window.start, "start")
    durations = _durations(_completed(source).where(in_window))
    if sorts_fast(dialect):
        return sorted_ranks(durations, {name: part / PARTS for name, part in PERCENTILES.items()})
    return selected_ranks(durations, PERCENTILES)


def sample_latencies(
    source: TaskSource, window: Window, dialect: sa.Dialect
) -> sa.Select[Any] | None:
    """The same for the tasks completed in some stretches of the window, at the `BOUNDS` of its
    percentiles; None where all are sorted anyway.
    """
    if sorts_fast(dialect):
        return None
    edges = _stretches(window, sampled_one_in(SAMPLED_FROM))

    def is_in_stretch(number: int) -> sa.ColumnElement[bool]:
        at: Any = source.rows.c.completed_at
        start, end = (bound_second(at, edges[name], name) for name in _edges(number))
        # As plain values: which tasks are in a sample has no effect on any figure.
        at = sa.type_coerce(at, start.type)
        return sa.and_(at >= start, at < end)

    is_sampled = sa.or_(*map(is_in_stretch, range(SLICES)))
    ranks = {name: bound(name, 0, sa.Integer()) for name in BOUNDS}
    return selected_ranks(_durations(_completed(source).where(is_sampled)), ranks)


def _stretches(window: Window, one_in: int) -> dict[str, datetime]:
    """Where each of the stretches that together are one in so many seconds of a window starts and
    ends.
    """
    slice_ = (window.end - window.start) / SLICES
    length = timedelta(seconds=math.ceil(slice_ / timedelta(seconds=one_in)))
    starts = (window.start + number * slice_ for number in range(SLICES))
    return {
        name: edge
        for number, start in enumerate(starts)
        for name, edge in zip(_edges(number), (start, start + length), strict=True)
    }


def _edges(number: int) -> tuple[str, str]:
    """The names that the start and the end of a stretch are bound under."""
    return f"stretch{number}_start", f"stretch{number}_end"


def _completed(source: TaskSource) -> sa.Select[Any]:
    tasks = source.rows.c
    return sa.select(*(tasks[role] for role in FROM_START_TO_END)).where(
        has_status(source, "completed"),
        tasks.processing_at.is_not(None),
        tasks.created_at.is_not(None),
    )


def _durations(completed: sa.Select[Any]) -> Any:
    """The latencies of completed tasks, which are given as rows of timestamps."""
    timestamps = completed.subquery().c
    instants: Any = sa.select(
        *(instant(timestamps[role]).label(role) for role in FROM_START_TO_END)
    )
    at = read_once(instants).c
    return sa.select(
        *(
            elapsed_ms(at[start], at[end]).label(figure)
            for figure, (start, end) in LATENCIES.items()
        )
    )


def read_latency(
    connection: sa.Connection,
    measure: sa.Executable,
    sample: sa.Executable | None,
    window: Window,
    completed: int,
) -> Latency:
    """Run the two statements for a window in which about so many tasks were completed; the number
    tells how large a sample to take, and has no effect on the figures.
    """

    def rows(gaps: Mapping[str, Gaps]) -> dict[str, Any]:
        told = parameters({"start": window.start} | gap_parameters(gaps))
        return {row.figure: row for row in connection.execute(measure, told)}

    gaps = dict.fromkeys(LATENCIES, NO_GAPS)
    if sample is not None and (one_in := sampled_one_in(completed)) > 1:
        gaps |= _sampled_gaps(connection, sample, window, one_in, completed)
    measured = rows(gaps)
    # The rest of the gaps are as far from the ranks as before, so that this count is the last.
    if (narrower := _without_found(gaps, measured)) != gaps:
        measured = rows(narrower)
    return Latency(**{figure: _latency_stats(measured.get(figure)) for figure in LATENCIES})


def _sampled_gaps(
    connection: sa.Connection, sample: sa.Executable, window: Window, one_in: int, completed: int
) -> dict[str, Gaps]:
    ranks = bounds(completed / one_in)
    told = parameters({**_stretches(window, one_in), **ranks})
    rows = connection.execute(sample, told).mappings()
    return {row["figure"]: gaps_between([row[name] for name in ranks]) for row in rows}


def _without_found(gaps: Mapping[str, Gaps], measured: Mapping[str, Any]) -> dict[str, Gaps]:
    """The gaps without those that a percentile or maximum is in."""
    found = {
        figure: closed(gaps[figure], (row.p50, row.p95, row.p99, row.max))
        for figure, row in measured.items()
    }
    return {**gaps, **found}


def _latency_stats(row: Any) -> LatencyStats:
    if row is None or row.samples == 0:
        return LatencyStats(p50=None, p95=None, p99=None, max=None, avg=None, samples=0)
    samples = int(row.samples)
    # The mean rounded half up, in integers.
    avg = (2 * int(row.total) + samples) // (2 * samples)
    return LatencyStats(
        p50=row.p50, p95=row.p95, p99=row.p99, max=row.max, avg=avg, samples=samples
    )
