"""The words for the figures that Markdown and the terminal share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from json import dumps

from .figures import BacklogCount, ErrorCount, TaskReference, Window, age_text

NOT_RECORDED = "not recorded"

COUNTS = ("created", "completed", "failed", "cancelled", "processing", "queued")

LATENCIES = {
    "time_to_processing_ms": "time to processing",
    "time_to_complete_ms": "time to complete",
    "end_to_end_ms": "end to end",
}

STATISTICS = ("p50", "p95", "p99", "max", "avg")


def window_text(window: Window) -> str:
    """Return a window: `60 minutes, from 2026-01-30T09:00:00Z to 2026-01-30T10:00:00Z`."""
    length = f"{window.minutes} {'minute' if window.minutes == 1 else 'minutes'}"
    return f"{length}, from {time_text(window.start)} to {time_text(window.end)}"


def change_text(now: int, before: int) -> str:
    """Return how a count has changed: `+20, before: 80`, or `unchanged, before: 80`."""
    change = f"{now - before:+,}" if now != before else "unchanged"
    return f"{change}, before: {before:,}"


def oldest_text(count: BacklogCount) -> str | None:
    """Return the age of a backlog: `the oldest for 90 min`; None if no task is in it."""
    if count.count == 0:
        return None
    if count.oldest is None or count.oldest_age_seconds is None:
        return f"age {NOT_RECORDED}"
    return f"the oldest for {age_text(count.oldest_age_seconds)}"


def seen_texts(error: ErrorCount) -> Iterator[str]:
    """Yield when an error code was first and last seen."""
    if error.first_seen_at is not None:
        yield f"first at {time_text(error.first_seen_at)}"
    yield f"last at {time_text(error.last_seen_at)}"


def task_text(task: TaskReference, shown: Callable[[str], str]) -> str:
    """Return a task and its request, with each id as it is `shown`."""
    named = f"task {shown(task.task_id)}"
    if task.request_id is None:
        return named
    return f"{named}, request {shown(task.request_id)}"


def value_text(value: str | int | None, shown: Callable[[str], str]) -> str:
    """Return the value of a group: `null`, or its text as it is `shown`; `true` is as in JSON."""
    return "null" if value is None else shown(value if isinstance(value, str) else dumps(value))


def seconds_text(milliseconds: int) -> str:
    """Return exact seconds: `1,234.5`."""
    seconds, fraction = divmod(milliseconds, 1000)
    return f"{seconds:,}{f'.{fraction:03}'.rstrip('0') if fraction else ''}"


def time_text(moment: datetime) -> str:
    """Return a moment in UTC: `2026-01-30T10:00:00Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
