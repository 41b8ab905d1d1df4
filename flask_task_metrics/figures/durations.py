"""The durations of completed tasks: the subquery that all latencies are measured on, and the
values of the rows that measure it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import computed_once, elapsed_ms, instant
from flask_task_metrics.source import TaskSource

from .predicates import IsWithin, has_status
from .snapshot import Latency, LatencyStats

FROM_START_TO_END = ("created_at", "processing_at", "completed_at")

LATENCIES = {
    "time_to_processing_ms": ("created_at", "processing_at"),
    "time_to_complete_ms": ("processing_at", "completed_at"),
    "end_to_end_ms": ("created_at", "completed_at"),
}
"""The latencies, each from one timestamp to another. `due_at` may stand in for `created_at`."""

NOT_RECORDED = Latency(None, None, None)

NO_SAMPLES = LatencyStats(p50=None, p95=None, p99=None, max=None, avg=None, samples=0)


def unrecorded_latencies(source: TaskSource) -> list[str]:
    """Return the latencies that a source lacks a timestamp for; all need `completed_at`."""
    return [
        figure
        for figure, roles in LATENCIES.items()
        if not all(map(source.records, (*roles, "completed_at")))
    ]


def completed_durations(source: TaskSource, condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Select the latencies, in milliseconds, of completed tasks that meet a condition.

    A latency is null in a task that lacks one of its two timestamps.
    """
    return sa.select(*durations_between(completed_instants(source, condition)))


def completed_instants(
    source: TaskSource, condition: sa.ColumnElement[bool], *others: sa.Label[Any]
) -> dict[str, Any]:
    """Return the instants of completed tasks that meet a condition, by role, and other columns by
    name. `created_at` is when a task began to wait.
    """
    tasks = source.tasks.c
    roles = (*FROM_START_TO_END, "due_at") if source.records("due_at") else FROM_START_TO_END
    timestamps = (
        sa.select(*(tasks[role] for role in roles), *others)
        .where(has_status(source, "completed"), condition)
        .subquery()
        .c
    )
    instants: Any = sa.select(
        *(instant(timestamps[role]).label(role) for role in roles),
        *(timestamps[column.name] for column in others),
    )
    at: dict[str, Any] = dict(computed_once(instants).c.items())
    if source.records("due_at"):
        at["created_at"] = _beginning(**at)
    return at


def durations_between(at: Mapping[str, Any]) -> list[Any]:
    """Return the latencies, in milliseconds, between the instants of tasks."""
    return [
        elapsed_ms(at[start], at[end]).label(figure) for figure, (start, end) in LATENCIES.items()
    ]


def _beginning(
    created_at: sa.ColumnElement[Any],
    processing_at: sa.ColumnElement[Any],
    due_at: sa.ColumnElement[Any],
    **others: sa.ColumnElement[Any],
) -> sa.ColumnElement[Any]:
    """Return `due_at` for a task that was scheduled and did not begin ahead of it."""
    was_scheduled = sa.and_(due_at > created_at, due_at <= processing_at)
    return sa.case((was_scheduled, due_at), else_=created_at)


def durations_within(source: TaskSource, is_within: IsWithin) -> sa.Select[Any]:
    """Select the latencies of the tasks that were completed within a time span."""
    return completed_durations(source, is_within(source, "completed_at"))


def latency_of(rows: Iterable[Any]) -> Latency:
    """Return the latencies of rows (figure, samples, total, p50, p95, p99, max)."""
    measured = {row.figure: row for row in rows}
    return Latency(**{figure: _stats_of_row(measured.get(figure)) for figure in LATENCIES})


def _stats_of_row(row: Any) -> LatencyStats:
    if row is None or row.samples == 0:
        return NO_SAMPLES
    return latency_stats(
        int(row.samples), int(row.total), p50=row.p50, p95=row.p95, p99=row.p99, max=row.max
    )


def latency_stats(samples: int, total: int, **ranks: int) -> LatencyStats:
    """Return a latency with its mean, rounded half up in integer arithmetic."""
    return LatencyStats(**ranks, avg=(2 * total + samples) // (2 * samples), samples=samples)


def has_samples(latency: Latency) -> bool:
    """Return whether any of the latencies has samples."""
    return any(stats and stats.samples for stats in vars(latency).values())
