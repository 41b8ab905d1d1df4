"""The frozen values that make up a series: the course of time in a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_task_metrics.figures.window import Window


@dataclass(frozen=True)
class LatencyPercentiles:
    """Nearest-rank percentiles of `samples` durations, in whole milliseconds.

    Without samples, all but `samples` are None.
    """

    p50: int | None
    p95: int | None
    p99: int | None
    samples: int


@dataclass(frozen=True)
class SeriesPoint:
    """The tasks that were created, started and ended in one step of time, which begins at `at`
    (UTC), and the latencies of those completed in it.

    The window holds only a part of a step that is `partial`. A figure is None if the source does
    not record its timestamps.
    """

    at: datetime
    partial: bool
    created: int | None
    started: int | None
    completed: int
    failed: int
    cancelled: int
    time_to_processing_ms: LatencyPercentiles | None
    time_to_complete_ms: LatencyPercentiles | None
    end_to_end_ms: LatencyPercentiles | None


@dataclass(frozen=True)
class Series:
    """A window in steps of `step_seconds`: one point each, without gaps, read in one transaction.

    Steps begin at multiples of their length in UTC. For example those of 300 s begin at 10:00,
    10:05, and so on. The last point includes tasks that are dated after the window.
    """

    window: Window
    step_seconds: int
    points: tuple[SeriesPoint, ...]
