"""Every figure of a snapshot in plain Python, task by task, as its definition says.

The tests compare the databases' answers with these.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import takewhile
from string import ascii_uppercase, digits
from typing import Any, TypeAlias

from flask_task_metrics import (
    Backlog,
    BacklogCount,
    ErrorCount,
    Latency,
    LatencyStats,
    PreviousFigures,
    ScheduledCount,
    Snapshot,
    TaskCounts,
    TaskReference,
    Window,
)
from flask_task_metrics.figures.state import Limits, Signs, reason_of, state_of

EXCEPTION_SUFFIXES = ("Error", "Exception", "Warning", "Timeout", "Exit", "Interrupt")
UUID_OR_HEX_RUN = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{8,}"
)


@dataclass(frozen=True)
class TaskRow:
    """A task; its timestamps are naive and hold UTC. An id is a number or a text."""

    id: Any
    status: str | None = None
    created_at: datetime | None = None
    processing_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    error_message: str | None = None
    request_id: str | None = None


LIMITS = Limits(stalled_seconds=300, stuck_seconds=3600)

DueAt: TypeAlias = Mapping[Any, datetime | None]


def expected_snapshot(
    tasks: Sequence[TaskRow], window: Window, limit: int = 5, *, due_at: DueAt | None = None
) -> Snapshot:
    """Compute all figures of a window, with the `limit` most frequent errors.

    `due_at` gives the planned time of each task by its id, if the source maps that.
    """
    plans = due_at or {}
    queued = [task for task in tasks if task.status == "queued"]
    scheduled = [task for task in queued if is_after(window.end, plans.get(task.id))]
    backlog = Backlog(
        queued=backlog_count(
            {task: ready_at(task, plans.get(task.id)) for task in queued if task not in scheduled},
            window,
        ),
        processing=backlog_count(began_at(tasks), window),
        scheduled=None if due_at is None else ScheduledCount(len(scheduled)),
    )
    signs = signs_of_progress(tasks, window)
    return Snapshot(
        window=window,
        state=state_of(backlog, signs, LIMITS),
        reason=reason_of(backlog, signs, LIMITS),
        tasks=task_counts(tasks, window),
        backlog=backlog,
        latency=latency(tasks, window, plans),
        top_errors=top_errors(tasks, window, limit),
    )


def expected_comparison(tasks: Sequence[TaskRow], window: Window, limit: int = 5) -> Snapshot:
    """Compute all figures of a window, and those of the window before."""
    found = expected_snapshot(tasks, window, limit)
    length = window.end - window.start
    earlier = Window(window.minutes, window.start - length, window.start)

    def only_before(moment: datetime | None) -> datetime | None:
        return moment if moment and in_utc(moment) < window.start else None

    cut = [
        replace(
            task,
            created_at=only_before(task.created_at),
            updated_at=only_before(task.updated_at),
        )
        for task in tasks
    ]
    done = [task for task in tasks if only_before(task.completed_at)]
    counts = task_counts(cut, earlier)
    return replace(
        found,
        top_errors=tuple(compared(error, cut, tasks, earlier) for error in found.top_errors or ()),
        previous=PreviousFigures(
            counts.created,
            counts.completed,
            counts.failed,
            counts.cancelled,
            latency(done, earlier),
        ),
    )


def compared(
    error: ErrorCount, before: Sequence[TaskRow], tasks: Sequence[TaskRow], earlier: Window
) -> ErrorCount:
    """Add to an error its count of an earlier window, and when it was first seen since then."""
    counts = {seen.code: seen.count for seen in top_errors(before, earlier, len(before))}
    first = min(
        in_utc(task.updated_at)
        for task in tasks
        if task.status == "failed"
        and task.updated_at is not None
        and is_in(earlier, task.updated_at)
        and code_of_message(task.error_message) == error.code
    )
    return replace(
        error,
        previous_count=counts.get(error.code, 0),
        first_seen_at=first.replace(microsecond=0),
    )


def without(tasks: Iterable[TaskRow], *roles: str) -> list[TaskRow]:
    """Return tasks of which some columns are not recorded."""
    blank: dict[str, Any] = dict.fromkeys(roles)
    return [replace(task, **blank) for task in tasks]


def expected_without(
    tasks: Iterable[TaskRow], window: Window, *roles: str, due_at: DueAt | None = None
) -> Snapshot:
    """Compute the figures of a source that records no such columns: null in place of zeros."""
    found = expected_snapshot(without(tasks, *roles), window, due_at=due_at)
    begun, done = {"created_at", "completed_at"}, {"processing_at", "completed_at"}
    missing = set(roles)
    return replace(
        found,
        tasks=replace(found.tasks, created=None) if "created_at" in missing else found.tasks,
        latency=Latency(
            None if missing & (begun | done) else found.latency.time_to_processing_ms,
            None if missing & done else found.latency.time_to_complete_ms,
            None if missing & begun else found.latency.end_to_end_ms,
        ),
        top_errors=None if "error_message" in missing else found.top_errors,
    )


def ready_at(task: TaskRow, due: datetime | None) -> datetime | None:
    return max(filter(None, (task.created_at, due)), default=None)


def began_to_wait_at(task: TaskRow, due: datetime | None) -> datetime | None:
    created, began = task.created_at, task.processing_at
    return due if created and due and began and created < due <= began else created


def began_at(tasks: Iterable[TaskRow]) -> dict[TaskRow, datetime | None]:
    running = [task for task in tasks if task.status == "processing"]
    return {task: task.processing_at or task.updated_at for task in running}


def signs_of_progress(tasks: Sequence[TaskRow], window: Window) -> Signs:
    """Return the numbers that the state is judged by."""
    ages = [window.end - in_utc(at) for at in began_at(tasks).values() if at is not None]
    ends = [
        max(timedelta(), window.end - in_utc(task.updated_at))
        for task in tasks
        if task.updated_at is not None and task.status in ("completed", "failed", "cancelled")
    ]
    stuck = sum(age > timedelta(seconds=LIMITS.stuck_seconds) for age in ages)
    day = timedelta(days=1)
    recent = min((since for since in ends if since <= day), default=None)
    return Signs(stuck=stuck, since_last_end=recent, looked_back=day)


def is_after(end: datetime, moment: datetime | None) -> bool:
    return moment is not None and in_utc(moment) > end


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


def backlog_count(since: Mapping[TaskRow, datetime | None], window: Window) -> BacklogCount:
    known = [(moment, task.id, task) for task, moment in since.items() if moment is not None]
    if not known:
        return BacklogCount(len(since), None, None)
    moment, _, task = min(known)
    age = whole(window.end - in_utc(moment), timedelta(seconds=1))
    return BacklogCount(len(since), age, TaskReference(str(task.id), task.request_id))


def latency(tasks: Sequence[TaskRow], window: Window, plans: DueAt | None = None) -> Latency:
    timestamps = [
        (began_to_wait_at(task, (plans or {}).get(task.id)), task.processing_at, task.completed_at)
        for task in tasks
        if task.status == "completed" and is_in(window, task.completed_at)
    ]
    return Latency(
        time_to_processing_ms=latency_stats((c, p) for c, p, _ in timestamps),
        time_to_complete_ms=latency_stats((p, d) for _, p, d in timestamps),
        end_to_end_ms=latency_stats((c, d) for c, _, d in timestamps),
    )


def latency_stats(
    timestamps: Iterable[tuple[datetime | None, datetime | None]],
) -> LatencyStats:
    durations = [end - start for start, end in timestamps if start and end]
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
    """Return the whole units of a duration, cut towards zero: -0.4 of one is 0."""
    return duration // unit if duration >= timedelta() else -(-duration // unit)


def top_errors(tasks: Sequence[TaskRow], window: Window, limit: int) -> tuple[ErrorCount, ...]:
    failures: dict[str, list[tuple[TaskRow, datetime]]] = defaultdict(list)
    for task in tasks:
        if task.status == "failed" and task.updated_at and is_in(window, task.updated_at):
            failures[code_of_message(task.error_message)].append((task, task.updated_at))
    errors = [error_count(code, failed) for code, failed in failures.items()]
    return tuple(sorted(errors, key=lambda error: (-error.count, error.code))[:limit])


def error_count(code: str, failed: Sequence[tuple[TaskRow, datetime]]) -> ErrorCount:
    newest, updated_at = max(failed, key=lambda failure: (failure[1], failure[0].id))
    return ErrorCount(
        code=code,
        count=len(failed),
        last_seen_at=in_utc(updated_at.replace(microsecond=0)),
        sample=TaskReference(str(newest.id), newest.request_id),
    )


def code_of_message(message: str | None) -> str:
    """Return the code by the first rule that finds one."""
    text = readable(message or "")
    if not text:
        return "UNKNOWN"
    code = (
        leading_code(text)
        or leading_exception(text)
        or raised_exception(text)
        or code_in_json(text)
        or message_pattern(text)
    )
    return code[:100]


def readable(message: str) -> str:
    """Return the part of a message that its code is read from."""
    text = message[:10_000].strip()
    if text.startswith(("{", "+ Exception Group Traceback (most recent call last):")):
        return text
    if text.startswith("Traceback (most recent call last):"):
        cut = len(message) > 10_000
        return "Traceback (most recent call last):\n" + message[-10_000:].rstrip() if cut else text
    return text[:1_000].rstrip()


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


def raised_exception(text: str) -> str | None:
    """Return the class in the first line behind the last frame that is not indented."""
    if not text.startswith(("Traceback (", "+ Exception Group Traceback (")):
        return None
    lines = [line.removeprefix("  | ") for line in text.split("\n")]
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    if not frames:
        return None
    behind = [line for line in lines[frames[-1] :] if line and not line[0].isspace()]
    path, colon, _ = behind[0].partition(":") if behind else ("", "", "")
    names = (path if colon else path.rstrip()).split(".")
    is_class = all(name.isidentifier() or name == "<locals>" for name in names)
    return names[-1] if is_class else None


def code_in_json(text: str) -> str | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    error = document.get("error")
    nested = error if isinstance(error, dict) else {}
    values = [document.get(key) for key in ("code", "error_code", "errorCode")]
    values += [nested.get(key) for key in ("code", "error_code", "errorCode")]
    values += [nested.get(key) for key in ("type", "status", "name")]
    for key in ("type", "exc_type", "exception_type", "exception_class"):
        value = document.get(key)
        values.append(value.split(".")[-1] if isinstance(value, str) else value)
    strings = [value.strip() for value in values if isinstance(value, str)]
    codes = [text for text in strings if text and len(text.split()) == 1 and "/" not in text]
    codes += [str(value) for value in values if type(value) is int]
    return next(iter(codes), None)


def message_pattern(text: str) -> str:
    first_line = " ".join(text.splitlines()[0].split())
    return re.sub("[0-9]+", "<n>", UUID_OR_HEX_RUN.sub(id_or_word, first_line))


def id_or_word(run: re.Match[str]) -> str:
    """Keep a run of letters alone: it may be a word, even if all of them are hex digits."""
    return "<id>" if set(run[0]) & set(f"{digits}-") else run[0]
