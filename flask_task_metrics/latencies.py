"""How long tasks wait and run: the statements, and the reading of their rows."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from .conditions import bound_second, has_status, is_since, moments
from .dialects import elapsed_ms, instant, read_once, sorted_ranks, sorts_fast
from .percentiles import (
    BOUNDS,
    NO_GAPS,
    PARTS,
    PERCENTILES,
    Gaps,
    bounds,
    closed,
    gap_parameters,
    gaps_between,
    sample_size,
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
"""How many stretches of a window a sample is taken from: a window has its rush hours."""


def measure_latencies(source: TaskSource, window: Window, dialect: sa.Dialect) -> sa.Select[Any]:
    """A row (figure, samples, total, p50, p95, p99, max) for each latency, in milliseconds; one
    without samples may be left out.
    """
    in_window = is_since(source.rows.c.completed_at, window.start, "start")
    durations = _durations(_completed(source).where(in_window).subquery())
    if sorts_fast(dialect):
        return sorted_ranks(durations, {name: part / PARTS for name, part in PERCENTILES.items()})
    return selected_ranks(durations, PERCENTILES)


def sample_latencies(
    source: TaskSource, window: Window, dialect: sa.Dialect
) -> sa.Select[Any] | None:
    """The same for the first tasks in each slice of the window, at the `BOUNDS` of its percentiles;
    None where all are sorted anyway.
    """
    if sorts_fast(dialect):
        return None
    at = source.rows.c.completed_at
    edges = [bound_second(at, second, name) for name, second in _slices(window).items()]
    # As plain values: which tasks are in a sample has no effect on any figure.
    plain_at = sa.type_coerce(at, edges[0].type)
    slices = (
        _completed(source)
        .where(plain_at >= start, plain_at < end)
        .order_by(plain_at)
        .limit(sa.bindparam("slice_size", SLICES, type_=sa.Integer()))
        .subquery()
        for start, end in pairwise(edges)
    )
    sample = sa.union_all(*(sa.select(rows) for rows in slices)).subquery()
    ranks = {name: sa.bindparam(name, 0, type_=sa.Integer()) for name in BOUNDS}
    return selected_ranks(_durations(sample), ranks)


def _completed(source: TaskSource) -> sa.Select[Any]:
    tasks = source.rows.c
    return sa.select(*(tasks[role] for role in FROM_START_TO_END)).where(
        has_status(source, "completed"),
        tasks.processing_at.is_not(None),
        tasks.created_at.is_not(None),
    )


def _durations(completed: sa.FromClause) -> Any:
    """The latencies of completed tasks, which are given as rows of timestamps."""
    timestamps: Any = sa.select(
        *(instant(completed.c[role]).label(role) for role in FROM_START_TO_END)
    )
    at = read_once(timestamps).c
    return sa.select(
        *(
            elapsed_ms(at[start], at[end]).label(figure)
            for figure, (start, end) in LATENCIES.items()
        )
    )


def _slices(window: Window) -> dict[str, Any]:
    """Where each slice of a window begins and the last one ends, to the second."""
    step = (window.end - window.start) / SLICES
    return {f"slice{number}": window.start + number * step for number in range(SLICES + 1)}


def read_latency(
    connection: sa.Connection,
    measure: sa.Executable,
    sample: sa.Executable | None,
    window: Window,
    completed: int,
) -> Latency:
    """Run the two statements for a window in which about so many tasks were completed."""
    gaps = dict.fromkeys(LATENCIES, NO_GAPS)
    if sample is not None and (size := sample_size(completed)):
        gaps |= _sampled_gaps(connection, sample, window, size)
    while True:
        parameters = moments(start=window.start) | gap_parameters(gaps)
        rows = {row.figure: row for row in connection.execute(measure, parameters)}
        found = {
            figure: closed(gaps[figure], (row.p50, row.p95, row.p99, row.max))
            for figure, row in rows.items()
        }
        if found.items() <= gaps.items():
            return Latency(**{figure: _latency_stats(rows.get(figure)) for figure in LATENCIES})
        gaps |= found


def _sampled_gaps(
    connection: sa.Connection, sample: sa.Executable, window: Window, size: int
) -> dict[str, Gaps]:
    ranks = bounds(size)
    parameters = {"slice_size": math.ceil(size / SLICES)} | ranks | moments(**_slices(window))
    rows = connection.execute(sample, parameters).mappings()
    return {row["figure"]: gaps_between([row[name] for name in ranks]) for row in rows}


def _latency_stats(row: Any) -> LatencyStats:
    if row is None or row.samples == 0:
        return LatencyStats(p50=None, p95=None, p99=None, max=None, avg=None, samples=0)
    samples = int(row.samples)
    # The mean rounded half up, in integers.
    avg = (2 * int(row.total) + samples) // (2 * samples)
    return LatencyStats(
        p50=row.p50, p95=row.p95, p99=row.p99, max=row.max, avg=avg, samples=samples
    )
