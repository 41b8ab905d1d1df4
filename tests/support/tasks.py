"""Rows of tasks in and around a window."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_task_metrics import ErrorCount, LatencyStats, Snapshot, Window
from tests.support.host import NOW, current_utc

WINDOW = Window.ending(NOW, 60)
START = WINDOW.start.replace(tzinfo=None)
END = WINDOW.end.replace(tzinfo=None)
MICROSECOND = timedelta(microseconds=1)

STATUSES = ("completed", "failed", "cancelled", "processing", "queued")
OTHER_STATUSES = ("Completed", "COMPLETED", "completed ", "complete", "")

COMPLETED = {
    "status": "completed",
    "created_at": END,
    "processing_at": END,
    "completed_at": END,
    "updated_at": END,
}
FAILED = {"status": "failed", "created_at": END, "updated_at": END, "error_message": "NO_ANSWER"}
MESSAGES = (
    "ENGINE_TIMEOUT: no answer after 31 s",
    "ENGINE_TIMEOUT: no answer after 32 s",
    "[INVALID_PROMPT] too long",
    "RATE_LIMITED - retry",
    "QUOTA: used up",
    "QUOTA",
    "quota: used up",
    "ValueError: bad",
    "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='api', port=443)",
    "TimeoutError('x')",
    '{"error": "no", "code": "FROM_JSON"}',
    '{"code": 7, "errorCode": "OTHER_JSON"}',
    '{"detail": "' + "long " * 400 + '", "error_code": "LATE_IN_JSON"}',
    '{"detail": "' + "long " * 400 + '", "error_code": "LATER_IN_JSON"}',
    "connection to 10.0.0.1 timed out after 30 s",
    "connection to 10.0.0.2 timed out after 5 s",
    "no file 0f3b9c1e-5a55-4b7e-9d36-1f2e3d4c5b6a at deadbeef42",
    "it broke",
    "It broke",
    "it broke ",
    "it  broke\nsomewhere",
    "it bröke",
    "it broke 💥",
    "it broke 💥💥",
    "100% of 'it' \"broke\" \\ %s %(x)s :name",
    "broken " * 200 + "here",
    "broken " * 200 + "there",
    "",
    " \t\n ",
)


def ago(**duration: float) -> datetime:
    """Return a moment before the window's end, such as `ago(minutes=10)`."""
    return END - timedelta(**duration)


def failed(message: str | None, **columns: Any) -> dict[str, Any]:
    """Return a task that failed at the window's end."""
    return {"status": "failed", "error_message": message, "updated_at": END} | columns


def failed_now() -> dict[str, Any]:
    """Return a task that was created and failed at this moment."""
    at = current_utc()
    return {"status": "failed", "created_at": at, "updated_at": at, "error_message": "NO_ANSWER"}


def completed(created: datetime, processing: datetime, done: datetime = END) -> dict[str, Any]:
    """Return a completed task with these timestamps."""
    return {
        "status": "completed",
        "created_at": created,
        "processing_at": processing,
        "completed_at": done,
        "updated_at": END,
    }


def codes_of(snapshot: Snapshot) -> list[tuple[str, int]]:
    """Return the codes of the top errors with their counts."""
    return [(error.code, error.count) for error in errors_of(snapshot)]


def errors_of(snapshot: Snapshot) -> tuple[ErrorCount, ...]:
    """Return the top errors of a source that records them."""
    assert snapshot.top_errors is not None
    return snapshot.top_errors


def measured(stats: LatencyStats | None) -> LatencyStats:
    """Return a latency of a source that records its timestamps."""
    assert stats is not None
    return stats
