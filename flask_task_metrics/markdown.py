"""A snapshot as a short text in Markdown, for a terminal or an incident channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .figures import (
    Backlog,
    BacklogCount,
    ErrorCount,
    Group,
    Latency,
    LatencyStats,
    OtherGroups,
    PreviousFigures,
    Snapshot,
    TaskCounts,
    Window,
)
from .logfmt import one_line
from .words import (
    COUNTS,
    LATENCIES,
    NOT_RECORDED,
    STATISTICS,
    change_text,
    oldest_text,
    seconds_text,
    seen_texts,
    task_text,
    value_text,
    window_text,
)

LONGEST_CODE_SPAN = 200


def markdown_of(
    snapshot: Snapshot, *, source: str | None = None, request_id: str | None = None
) -> str:
    """Return a snapshot in Markdown, with the name of its source and the id of its request.

    Codes, ids and names are code spans, so that nothing of a row can break the text or mention
    somebody. Figures that are not recorded are shown as such, never as a 0.
    """
    blocks = (
        _state(snapshot),
        _window(snapshot.window, source, request_id),
        *(_section(title, lines) for title, lines in _figures(snapshot, snapshot.previous)),
        *_groups(snapshot),
    )
    return "\n\n".join(blocks) + "\n"


def code_span(text: str) -> str:
    """Return a text as a code span, cut at 200 characters.

    Backticks and characters that do not print become escapes: `a\\nb`.
    """
    shown = one_line(text[:LONGEST_CODE_SPAN]).replace("`", "\\u0060")
    return f"`{shown or ' '}`" + "…" * (len(text) > LONGEST_CODE_SPAN)


def _figures(
    figures: Snapshot | Group | OtherGroups, previous: PreviousFigures | None = None
) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield the title and the lines of the figures that all tasks and each group have."""
    yield "Backlog", _backlog(figures.backlog)
    yield "Counts", _counts(figures.tasks, previous)
    yield "Latencies", _latencies(figures.latency, previous)
    yield "Top errors", _top_errors(figures.top_errors)


def _groups(snapshot: Snapshot) -> Iterator[str]:
    """Yield a section for each group, and one for all others together."""
    if snapshot.groups is None or snapshot.group_count is None:
        return
    yield f"**Groups: {snapshot.group_count:,}**"
    for group in snapshot.groups:
        yield _section(f"{group.dimension} {value_text(group.value, code_span)}", _nested(group))
    if snapshot.other_groups:
        yield _section("All others", _nested(snapshot.other_groups))


def _nested(group: Group | OtherGroups) -> Iterator[str]:
    for title, lines in _figures(group):
        yield f"- {title}"
        yield from (f"  {line}" for line in lines)


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join((f"**{title}**", "", *lines))


def _state(snapshot: Snapshot) -> str:
    state = f"**State: {snapshot.state or NOT_RECORDED}**"
    return state if snapshot.reason is None else f"{state}: {snapshot.reason}."


def _window(window: Window, source: str | None, request_id: str | None) -> str:
    named = (("source", source), ("request", request_id))
    parts = [window_text(window)]
    parts += (f"{name} {code_span(value)}" for name, value in named if value is not None)
    return "; ".join(parts)


def _backlog(backlog: Backlog) -> Iterator[str]:
    yield f"- queued: {_backlog_count(backlog.queued)}"
    if backlog.scheduled is not None:
        yield f"- scheduled: {backlog.scheduled.count:,}"
    yield f"- processing: {_backlog_count(backlog.processing)}"


def _backlog_count(count: BacklogCount) -> str:
    oldest = oldest_text(count)
    if oldest is None:
        return "0"
    task = f" ({task_text(count.oldest, code_span)})" if count.oldest else ""
    return f"{count.count:,}, {oldest}{task}"


def _counts(tasks: TaskCounts, previous: PreviousFigures | None) -> Iterator[str]:
    for name in COUNTS:
        now, before = getattr(tasks, name), getattr(previous, name, None)
        yield f"- {name}: {_change(now, before)}"


def _change(now: int | None, before: int | None) -> str:
    """Return a count and its change: `100 (+20, before: 80)`."""
    if now is None:
        return NOT_RECORDED
    if before is None:
        return f"{now:,}"
    return f"{now:,} ({change_text(now, before)})"


def _latencies(latency: Latency, previous: PreviousFigures | None) -> Iterator[str]:
    for name, title in LATENCIES.items():
        yield f"- {title}: {_stats(getattr(latency, name))}"
        if previous:
            yield f"  - before: {_stats(getattr(previous.latency, name))}"


def _stats(stats: LatencyStats | None) -> str:
    if stats is None:
        return NOT_RECORDED
    if stats.samples == 0:
        return "no samples"
    named = (f"{name} {seconds_text(getattr(stats, name))} s" for name in STATISTICS)
    samples = f"{stats.samples:,} {'sample' if stats.samples == 1 else 'samples'}"
    return f"{', '.join(named)} ({samples})"


def _top_errors(errors: Sequence[ErrorCount] | None) -> Iterator[str]:
    if not errors:
        yield NOT_RECORDED if errors is None else "none"
        return
    for number, error in enumerate(errors, 1):
        yield f"{number}. {code_span(error.code)}: {_error(error)}"


def _error(error: ErrorCount) -> str:
    parts = [_change(error.count, error.previous_count)]
    if error.previous_count == 0:
        parts.append("**new**")
    return ", ".join((*parts, *seen_texts(error), task_text(error.sample, code_span)))
