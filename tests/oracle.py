"""Every figure of a snapshot computed in plain Python, task by task, straight from the words that
define it: what the databases' answers are compared with.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import takewhile
from string import ascii_uppercase, digits

from flask_task_metrics.snapshot import (
    Backlog,
    BacklogCount,
    ErrorCount,
    ErrorSample,
    Latency,
    LatencyStats,
    Snapshot,
    TaskCounts,
    Window,
)

EXCEPTION_SUFFIXES = ("Error", "Exception", "Warning", "Timeout", "Exit", "Interrupt")
UUID_OR_HEX_RUN = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{8,}"
)


@dataclass(frozen=True)
class TaskRow:
    """A task; its timestamps are naive and hold UTC."""

    id: int
    status: str | None = None
    created_at: datetime | None = None
    processing_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    error_message: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, eq=False)
class LatestOf(ErrorSample):
    """Equal to the sample of any of the tasks that share the latest millisecond."""

    samples: frozenset[ErrorSample]

    def __eq__(self, other: object) -> bool:
        return other in self.samples

    __hash__ = None  # type: ignore[assignment] # equal to several, so it has no hash


def expected_snapshot(tasks: Sequence[TaskRow], window: Window, limit: int = 5) -> Snapshot:
    """All figures of the tasks in a window, with the `limit` most frequent errors."""
    return Snapshot(
        window=window,
        tasks=task_counts(tasks, window),
        backlog=Backlog(
            queued=backlog_count(
                [task.created_at for task in tasks if task.status == "queued"], window
            ),
            processing=backlog_count(
                [
                    task.processing_at or task.updated_at
                    for task in tasks
                    if task.status == "processing"
                ],
                window,
            ),
        ),
        latency=latency(tasks, window),
        top_errors=top_errors(tasks, window, limit),
    )


def is_in(window: Window, moment: datetime | None) -> bool:
    return moment is not None and in_utc(moment) >= window.start


def in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc)


def task_counts(tasks: Sequence[TaskRow], window: Window) -> TaskCounts:
    updated = [task.status for task in tasks if is_in(window, task.updated_at)]
    return TaskCounts(
        created=sum(is_in(window, task.created_at) for task in tasks),
        completed=updated.count("completed"),
        failed=updated.count("failed"),
        cancelled=updated.count("cancelled"),
        processing=updated.count("processing"),
        queued=updated.count("queued"),
    )


def backlog_count(since: Sequence[datetime | None], window: Window) -> BacklogCount:
    known = [in_utc(moment) for moment in since if moment is not None]
    if not known:
        return BacklogCount(len(since), None)
    return BacklogCount(len(since), whole(window.end - min(known), timedelta(seconds=1)))


def latency(tasks: Sequence[TaskRow], window: Window) -> Latency:
    timestamps = [
        (task.created_at, task.processing_at, task.completed_at)
        for task in tasks
        if task.status == "completed" and is_in(window, task.completed_at)
    ]
    complete = [(c, p, d) for c, p, d in timestamps if c and p and d]
    return Latency(
        time_to_processing_ms=latency_stats(
            processing - created for created, processing, _ in complete
        ),
        time_to_complete_ms=latency_stats(done - processing for _, processing, done in complete),
        end_to_end_ms=latency_stats(done - created for created, _, done in complete),
    )


def latency_stats(durations: Iterable[timedelta]) -> LatencyStats:
    cut = [whole(duration, timedelta(milliseconds=1)) for duration in durations]
    milliseconds = sorted(ms for ms in cut if ms >= 0)
    n = len(milliseconds)
    if n == 0:
        return LatencyStats(p50=None, p95=None, p99=None, max=None, avg=None, samples=0)
    return LatencyStats(
        p50=milliseconds[n * 50 // 100],
        p95=milliseconds[n * 95 // 100],
        p99=milliseconds[n * 99 // 100],
        max=milliseconds[-1],
        avg=(2 * sum(milliseconds) + n) // (2 * n),
        samples=n,
    )


def whole(duration: timedelta, unit: timedelta) -> int:
    """How many whole units a duration has, cut towards zero: -0.4 of one is 0."""
    return duration // unit if duration >= timedelta() else -(-duration // unit)


def top_errors(tasks: Sequence[TaskRow], window: Window, limit: int) -> tuple[ErrorCount, ...]:
    failures: dict[str, list[tuple[datetime, ErrorSample]]] = defaultdict(list)
    for task in tasks:
        if task.status == "failed" and task.updated_at and is_in(window, task.updated_at):
            sample = ErrorSample(str(task.id), task.request_id)
            failures[code_of_message(task.error_message)].append((task.updated_at, sample))
    errors = [error_count(code, failed) for code, failed in failures.items()]
    return tuple(sorted(errors, key=lambda error: (-error.count, error.code))[:limit])


def error_count(code: str, failed: Sequence[tuple[datetime, ErrorSample]]) -> ErrorCount:
    latest = max(updated_at for updated_at, _ in failed)
    samples = [
        sample
        for updated_at, sample in failed
        if millisecond_of(updated_at) == millisecond_of(latest)
    ]
    return ErrorCount(
        code=code,
        count=len(failed),
        last_seen_at=in_utc(latest.replace(microsecond=0)),
        sample=LatestOf(samples[0].task_id, samples[0].request_id, frozenset(samples)),
    )


def millisecond_of(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def code_of_message(message: str | None) -> str:
    """The code that the first of the rules finds which has something to say."""
    text = (message or "").strip()
    if not text:
        return "UNKNOWN"
    return (
        leading_code(text) or leading_exception(text) or code_in_json(text) or message_pattern(text)
    )


def leading_code(text: str) -> str | None:
    text = text.removeprefix("[")
    code = "".join(takewhile(lambda char: char in ascii_uppercase + digits + "_", text))
    rest = text[len(code) :]
    if not code[:1].isalpha() or rest[:1].isalnum():
        return None
    is_word = len(code) >= 3 and (not rest or rest[0] in ":]")
    return code if "_" in code or is_word else None


def leading_exception(text: str) -> str | None:
    path = re.split("[:(]", text, maxsplit=1)[0].split(".")
    is_exception = all(map(str.isidentifier, path)) and path[-1].endswith(EXCEPTION_SUFFIXES)
    return path[-1] if is_exception else None


def code_in_json(text: str) -> str | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    codes = [document.get(key) for key in ("code", "error_code", "errorCode")]
    return next((code.strip() for code in codes if isinstance(code, str) and code.strip()), None)


def message_pattern(text: str) -> str:
    first_line = " ".join(text.splitlines()[0].split())
    return re.sub("[0-9]+", "<n>", UUID_OR_HEX_RUN.sub(id_or_word, first_line))[:100]


def id_or_word(run: re.Match[str]) -> str:
    """A run of letters alone is a word, were they all of a hex number."""
    return "<id>" if set(run[0]) & set(f"{digits}-") else run[0]
