"""An example of every answer, for the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from marshmallow import Schema

from flask_task_metrics.figures import (
    Backlog,
    BacklogCount,
    ErrorCount,
    Latency,
    LatencyPercentiles,
    LatencyStats,
    Series,
    SeriesPoint,
    Snapshot,
    TaskCounts,
    TaskReference,
    Window,
    conditions_of,
    judge,
)
from flask_task_metrics.markdown import markdown_of

from .schemas import CheckSchema, SeriesSchema, SnapshotSchema


@dataclass(frozen=True)
class Example:
    """A body and its media type: a text, or the value of which a schema makes JSON."""

    mimetype: str
    value: Any
    schema: type[Schema] | None = None


REQUEST_ID = "req_5f0c6a1e0c8b4c0f9d3f4a2b1c7e8d90"

END = datetime(2026, 1, 30, 10, tzinfo=timezone.utc)

FIGURES = Snapshot(
    window=Window.ending(END, 60),
    state="working",
    reason=(
        "12 due tasks are queued, the oldest for 90 min; the last task ended 2 s ago; "
        "3 tasks are being processed, the oldest for 41 s"
    ),
    tasks=TaskCounts(created=100, completed=80, failed=5, cancelled=2, processing=3, queued=10),
    backlog=Backlog(
        queued=BacklogCount(12, 5400, TaskReference("17", "req_0b2e8c41d7f64a5f9e1c3b7a2d604f18")),
        processing=BacklogCount(
            3, 41, TaskReference("809", "req_77c15d0e9a3b4f628b7d2e4c6a1f9035")
        ),
    ),
    latency=Latency(
        LatencyStats(5000, 12_000, 15_000, 20_000, 6500, 80),
        LatencyStats(25_000, 45_000, 60_000, 90_000, 28_000, 80),
        LatencyStats(30_000, 57_000, 75_000, 99_000, 34_500, 80),
    ),
    top_errors=(
        ErrorCount(
            code="INVALID_PROMPT",
            count=3,
            last_seen_at=END - timedelta(seconds=108),
            sample=TaskReference("812", "req_91ab2c3d4e5f60718293a4b5c6d7e8f9"),
        ),
    ),
)


def _point(at: datetime, completed: int, *, partial: bool) -> SeriesPoint:
    return SeriesPoint(
        at=at,
        partial=partial,
        created=completed + 2,
        started=completed + 1,
        completed=completed,
        failed=1,
        cancelled=0,
        time_to_processing_ms=LatencyPercentiles(5000, 12_000, 15_000, completed),
        time_to_complete_ms=LatencyPercentiles(25_000, 45_000, 60_000, completed),
        end_to_end_ms=LatencyPercentiles(30_000, 57_000, 75_000, completed),
    )


COURSE = Series(
    window=Window.ending(END + timedelta(minutes=15), 60),
    step_seconds=1800,
    points=(
        _point(END - timedelta(minutes=60), 21, partial=True),
        _point(END - timedelta(minutes=30), 40, partial=False),
        _point(END, 19, partial=True),
    ),
)


def _check(**conditions: Any) -> Example:
    """Return the answer of a check with these conditions."""
    judgement = judge(FIGURES, conditions_of("TASK_METRICS_CHECKS", conditions))
    answer = {"request_id": REQUEST_ID, "window": FIGURES.window} | vars(judgement)
    return Example("application/json", answer, CheckSchema)


SAMPLES = """\
# TYPE task_metrics_tasks gauge
task_metrics_tasks{status="completed"} 80.0
task_metrics_tasks{status="failed"} 5.0
# TYPE task_metrics_backlog_tasks gauge
task_metrics_backlog_tasks{status="queued"} 12.0
"""

SNAPSHOT = Example("application/json", {"request_id": REQUEST_ID} | vars(FIGURES), SnapshotSchema)
SNAPSHOT_IN_MARKDOWN = Example("text/markdown", markdown_of(FIGURES, request_id=REQUEST_ID))
WARNING = _check(queued_age={"warn": 60}, failure_rate={"warn": 0.05, "crit": 0.1})
CRITICAL = _check(queued_age={"warn": 60, "crit": 300})
SERIES = Example("application/json", {"request_id": REQUEST_ID} | vars(COURSE), SeriesSchema)
SCRAPE = Example("text/plain", SAMPLES)
OPENMETRICS = Example("application/openmetrics-text", f"{SAMPLES}# EOF\n")
