"""A series read in an app, and the same computed in plain Python, task by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import (
    LatencyPercentiles,
    LatencyStats,
    Series,
    SeriesPoint,
    TaskMetrics,
    Window,
)
from tests.support.host import NOW, SECRET, SOURCE
from tests.support.oracle import DueAt, TaskRow, in_utc, is_in, latency

LENGTHS = [1, 2, 5, 10, 15, 30]
STEPS = [
    *LENGTHS,
    *(60 * length for length in LENGTHS),
    *(3_600 * length for length in (1, 2, 3, 6, 12)),
    *(86_400 * days for days in range(1, 800)),
]


def series_of(
    engine: sa.Engine,
    source: Any = SOURCE,
    *,
    minutes: int = 60,
    points: int = 60,
    where: Mapping[str, Any] | None = None,
    now: datetime = NOW,
    **config: Any,
) -> Series:
    """Read a series through an engine, in an app with these configuration keys."""
    app = Flask("host")
    app.config.update(TASK_METRICS_ADMIN_SECRET=SECRET, **config)
    task_metrics = TaskMetrics(engine, source, app=app)
    with app.app_context():
        return task_metrics.series(minutes, points, where=where, now=now)


def expected_series(
    tasks: Sequence[TaskRow], window: Window, points: int, *, due_at: DueAt | None = None
) -> Series:
    """Compute the points of a window; `due_at` gives planned times, if the source maps that."""
    seconds = next(step for step in STEPS if step * points >= window.minutes * 60)
    edges = edges_of(window, seconds)
    length = timedelta(seconds=seconds)
    return Series(
        window,
        seconds,
        tuple(
            expected_point(tasks, window, at, at + length, at == edges[-1], due_at) for at in edges
        ),
    )


def edges_of(window: Window, seconds: int) -> list[datetime]:
    """Return the beginnings of the steps: seconds since 1970 that the length divides."""
    first, end = (int(at.timestamp()) for at in (window.start, window.end))
    while first % seconds:
        first -= 1
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    return [epoch + timedelta(seconds=second) for second in range(first, end, seconds)]


def expected_point(
    tasks: Sequence[TaskRow],
    window: Window,
    at: datetime,
    until: datetime,
    is_last: bool,
    due_at: DueAt | None,
) -> SeriesPoint:
    """Compute one point; the last one takes all that is later."""

    def holds(moment: datetime | None) -> bool:
        return (
            moment is not None
            and is_in(window, moment)
            and at <= in_utc(moment)
            and (is_last or in_utc(moment) < until)
        )

    ended = [task.status for task in tasks if holds(task.updated_at)]
    measured = latency([task for task in tasks if holds(task.completed_at)], window, due_at)
    return SeriesPoint(
        at=at,
        partial=at < window.start or until > window.end,
        created=sum(holds(task.created_at) for task in tasks),
        started=sum(holds(task.processing_at) for task in tasks if may_have_started(task, window)),
        completed=ended.count("completed"),
        failed=ended.count("failed"),
        cancelled=ended.count("cancelled"),
        time_to_processing_ms=percentiles(measured.time_to_processing_ms),
        time_to_complete_ms=percentiles(measured.time_to_complete_ms),
        end_to_end_ms=percentiles(measured.end_to_end_ms),
    )


def may_have_started(task: TaskRow, window: Window) -> bool:
    """Return whether a task counts as started, if it has `processing_at` in the window."""
    if task.status == "completed" and task.completed_at is not None:
        return is_in(window, task.completed_at)
    return task.status in STARTED and is_in(window, task.updated_at)


STARTED = ("completed", "failed", "cancelled", "processing", "queued")


def percentiles(stats: LatencyStats | None) -> LatencyPercentiles | None:
    """Return the percentiles of a latency."""
    return (
        None
        if stats is None
        else LatencyPercentiles(stats.p50, stats.p95, stats.p99, stats.samples)
    )
