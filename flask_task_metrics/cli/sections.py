"""The sections of a report: backlog, counts, errors and latencies."""

from __future__ import annotations

from collections.abc import Iterator

from flask_task_metrics.figures import BacklogCount, ErrorCount, LatencyStats, Series, Snapshot
from flask_task_metrics.words import (
    COUNTS,
    LATENCIES,
    NOT_RECORDED,
    STATISTICS,
    change_text,
    oldest_text,
    seconds_text,
    seen_texts,
    task_text,
)

from .course import course_of_count
from .layout import GAP, INDENT, Line, Row, Span, Style, paragraph, table
from .texts import bar, fold, shown

MOST_BAR_COLUMNS = 20
ERROR_BAR_COLUMNS = 10


def backlog_lines(snapshot: Snapshot, earlier: Snapshot | None, width: int) -> Iterator[Line]:
    """Yield how many tasks wait and run, and the oldest ones."""
    statuses = ("queued", "scheduled", "processing")
    counts = {name: getattr(snapshot.backlog, name) for name in statuses}
    counts = {name: count for name, count in counts.items() if count is not None}
    most = max(count.count for count in counts.values())
    rows: list[Row] = []
    oldest: list[str] = []
    for name, count in counts.items():
        before = getattr(earlier.backlog, name).count if earlier else None
        shade = _bar(name, count.count, most, width)
        cells = _count_cells(name, count.count, before, shade)
        aged = isinstance(count, BacklogCount)
        rows.append((*cells, Span((oldest_text(count) if aged else None) or "")))
        if aged and count.oldest is not None:
            oldest.append(f"oldest {name}: {task_text(count.oldest, shown)}")
    yield from table(rows, "<>><<", width)
    for text in oldest:
        yield from paragraph(text, width, "quiet", INDENT)


def count_lines(
    snapshot: Snapshot, earlier: Snapshot | None, series: Series | None, width: int
) -> Iterator[Line]:
    """Yield the counts of the window, each with a bar, or with its course in a series."""
    counts = {name: getattr(snapshot.tasks, name) for name in COUNTS}
    most = max(filter(None, counts.values()), default=1)
    rows: list[Row] = []
    for name, count in counts.items():
        if count is None:
            rows.append((Span(name), Span(NOT_RECORDED, "quiet")))
            continue
        before = getattr(earlier.tasks, name) if earlier else None
        previous = getattr(snapshot.previous, name, None)
        change = "" if previous is None else change_text(count, previous)
        shade = _course(name, series) if series else _bar(name, count, most, width)
        cells = _count_cells(name, count, before, shade)
        rows.append((*cells, Span(change)))
    return table(rows, "<>><<", width)


def _bar(name: str, count: int, most: int, width: int) -> Span:
    return Span(bar(count, most, min(MOST_BAR_COLUMNS, width // 4)), _bar_style(name))


def _course(name: str, series: Series) -> Span:
    return Span(course_of_count(series, name), _bar_style(name))


def _bar_style(name: str) -> Style:
    return "bad" if name == "failed" else "bar"


def _count_cells(name: str, count: int, earlier: int | None, shade: Span) -> Row:
    return Span(name), Span(f"{count:,}"), _change(count, earlier), shade


def _change(count: int, earlier: int | None) -> Span:
    return Span("" if earlier is None or count == earlier else f"{count - earlier:+,}", "warning")


def error_lines(snapshot: Snapshot, earlier: Snapshot | None, width: int) -> Iterator[Line]:
    """Yield the leading errors, each with its sample."""
    errors = snapshot.top_errors
    if not errors:
        text = NOT_RECORDED if errors is None else "none"
        return iter([(Span(INDENT + text, "quiet"),)])
    changes = [_change_of_error(error, earlier) for error in errors]
    most = errors[0].count
    taken = (len(f"{most:,}"), max(len(change.text) for change in changes), ERROR_BAR_COLUMNS)
    room = width - len(INDENT) - sum(columns + len(GAP) for columns in taken if columns)
    rows = [
        row
        for error, change in zip(errors, changes, strict=True)
        for row in _error_rows(error, change, most, room)
    ]
    return table(rows, ">><<", width)


def _change_of_error(error: ErrorCount, earlier: Snapshot | None) -> Span:
    if earlier is None:
        return Span("")
    listed = {error.code: error.count for error in earlier.top_errors or ()}
    if error.code not in listed:
        return Span("listed now", "warning")
    return _change(error.count, listed[error.code])


def _error_rows(error: ErrorCount, change: Span, most: int, room: int) -> Iterator[Row]:
    shade = Span(bar(error.count, most, ERROR_BAR_COLUMNS), "bad")
    cells: Row = (Span(f"{error.count:,}"), change, shade)
    lines = [Span(line, "title") for line in fold(shown(error.code), room)]
    for text in (_seen(error), task_text(error.sample, shown)):
        lines += [Span(line, "quiet") for line in fold(text, room)]
    for line in lines:
        yield (*cells, line)
        cells = (Span(""),) * len(cells)


def _seen(error: ErrorCount) -> str:
    parts = []
    if error.previous_count is not None:
        parts.append(change_text(error.count, error.previous_count))
    if error.previous_count == 0:
        parts.append("NEW")
    return ", ".join((*parts, *seen_texts(error)))


def latency_lines(snapshot: Snapshot, width: int) -> Iterator[Line]:
    """Yield the latencies, each with that of the window before if there is a comparison."""
    heads = ("", *STATISTICS, "samples")
    rows: list[Row] = [tuple(Span(head, "quiet") for head in heads)]
    for name, title in LATENCIES.items():
        rows.append(_latency_row(title, getattr(snapshot.latency, name)))
        if snapshot.previous:
            rows.append(_latency_row("  before", getattr(snapshot.previous.latency, name)))
    return table(rows, "<" + ">" * len(heads[1:]), width)


def _latency_row(title: str, stats: LatencyStats | None) -> Row:
    if stats is None or stats.samples == 0:
        return Span(title), Span(NOT_RECORDED if stats is None else "no samples", "quiet")
    numbers = (seconds_text(getattr(stats, name)) for name in STATISTICS)
    return (Span(title), *map(Span, numbers), Span(f"{stats.samples:,}"))
