"""A snapshot as a short text in Markdown, for a terminal or an incident channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from .figures import (
    BacklogCount,
    ErrorCount,
    LatencyStats,
    Snapshot,
    TaskReference,
    Window,
    age_text,
)
from .logfmt import one_line

NOT_RECORDED = "not recorded"

LONGEST_CODE_SPAN = 200

COUNTS = ("created", "completed", "failed", "cancelled", "processing", "queued")

LATENCIES = {
    "time_to_processing_ms": "time to processing",
    "time_to_complete_ms": "time to complete",
    "end_to_end_ms": "end to end",
}


def markdown_of(
    snapshot: Snapshot, *, source: str | None = None, request_id: str | None = None
) -> str:
    """Return a snapshot in Markdown, with the name of its source and the id of its request.

    Codes, ids and names are code spans, so that nothing of a row can break the text or mention
    somebody. What is not recorded is shown as such, never as a 0.
    """
    blocks = (
        _state(snapshot),
        _window(snapshot.window, source, request_id),
        _section("Backlog", _backlog(snapshot)),
        _section("Counts", _counts(snapshot)),
        _section("Latencies", _latencies(snapshot)),
        _section("Top errors", _top_errors(snapshot)),
    )
    return "\n\n".join(blocks) + "\n"


def code_span(text: str) -> str:
    """Return a text as a code span, cut at 200 characters.

    Backticks and characters that do not print become escapes: `a\\nb`.
    """
    shown = one_line(text[:LONGEST_CODE_SPAN]).replace("`", "\\u0060")
    return f"`{shown or ' '}`" + "…" * (len(text) > LONGEST_CODE_SPAN)


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join((f"**{title}**", "", *lines))


def _state(snapshot: Snapshot) -> str:
    state = f"**State: {snapshot.state or NOT_RECORDED}**"
    return state if snapshot.reason is None else f"{state}: {snapshot.reason}."


def _window(window: Window, source: str | None, request_id: str | None) -> str:
    length = f"{window.minutes} {'minute' if window.minutes == 1 else 'minutes'}"
    named = (("source", source), ("request", request_id))
    parts = [f"{length}, from {_time(window.start)} to {_time(window.end)}"]
    parts += (f"{name} {code_span(value)}" for name, value in named if value is not None)
    return "; ".join(parts)


def _backlog(snapshot: Snapshot) -> Iterator[str]:
    backlog = snapshot.backlog
    yield f"- queued: {_backlog_count(backlog.queued)}"
    if backlog.scheduled is not None:
        yield f"- scheduled: {backlog.scheduled.count:,}"
    yield f"- processing: {_backlog_count(backlog.processing)}"


def _backlog_count(count: BacklogCount) -> str:
    if count.count == 0:
        return "0"
    if count.oldest is None or count.oldest_age_seconds is None:
        return f"{count.count:,}, age {NOT_RECORDED}"
    age = age_text(count.oldest_age_seconds)
    return f"{count.count:,}, the oldest for {age} ({_task(count.oldest)})"


def _counts(snapshot: Snapshot) -> Iterator[str]:
    for name in COUNTS:
        now, before = getattr(snapshot.tasks, name), getattr(snapshot.previous, name, None)
        yield f"- {name}: {_change(now, before)}"


def _change(now: int | None, before: int | None) -> str:
    """Return a count and its change: `100 (+20, before: 80)`."""
    if now is None:
        return NOT_RECORDED
    if before is None:
        return f"{now:,}"
    change = f"{now - before:+,}" if now != before else "unchanged"
    return f"{now:,} ({change}, before: {before:,})"


def _latencies(snapshot: Snapshot) -> Iterator[str]:
    for name, title in LATENCIES.items():
        yield f"- {title}: {_stats(getattr(snapshot.latency, name))}"
        if snapshot.previous:
            yield f"  - before: {_stats(getattr(snapshot.previous.latency, name))}"


def _stats(stats: LatencyStats | None) -> str:
    if stats is None:
        return NOT_RECORDED
    if stats.samples == 0:
        return "no samples"
    named = (
        f"{name} {_seconds(getattr(stats, name))}" for name in ("p50", "p95", "p99", "max", "avg")
    )
    samples = f"{stats.samples:,} {'sample' if stats.samples == 1 else 'samples'}"
    return f"{', '.join(named)} ({samples})"


def _seconds(milliseconds: int) -> str:
    """Return exact seconds: `1,234.5 s`."""
    seconds, fraction = divmod(milliseconds, 1000)
    return f"{seconds:,}{f'.{fraction:03}'.rstrip('0') if fraction else ''} s"


def _top_errors(snapshot: Snapshot) -> Iterator[str]:
    errors = snapshot.top_errors
    if not errors:
        yield NOT_RECORDED if errors is None else "none"
        return
    for number, error in enumerate(errors, 1):
        yield f"{number}. {code_span(error.code)}: {_error(error)}"


def _error(error: ErrorCount) -> str:
    parts = [_change(error.count, error.previous_count)]
    if error.first_seen_at is not None:
        is_new = error.previous_count == 0
        parts.append(f"{'**new**, ' * is_new}first at {_time(error.first_seen_at)}")
    parts += (f"last at {_time(error.last_seen_at)}", _task(error.sample))
    return ", ".join(parts)


def _task(task: TaskReference) -> str:
    named = f"task {code_span(task.task_id)}"
    if task.request_id is None:
        return named
    return f"{named}, request {code_span(task.request_id)}"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
