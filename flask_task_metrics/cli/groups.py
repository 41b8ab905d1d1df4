"""The groups of a report: a row for each, and its leading error."""

from __future__ import annotations

from collections.abc import Iterator

from flask_task_metrics.figures import Group, LatencyStats, OtherGroups, Snapshot
from flask_task_metrics.words import seconds_text, task_text, value_text

from .layout import GAP, INDENT, Line, Row, Span, table
from .texts import cut, fold, shown, width_of

MOST_NAME_COLUMNS = 20

UNRECORDED = "n/a"
"""A figure that is not recorded, in a narrow column."""

HEADS = ("", "created", "completed", "failed", "waiting", "running", "p95 s")


def group_lines(snapshot: Snapshot, width: int) -> Iterator[Line]:
    """Yield the figures of each group: the counts of the window, how many tasks wait and run now,
    and the 95th percentile from end to end.
    """
    named: list[tuple[str, Group | OtherGroups]] = [
        (cut(value_text(group.value, shown), MOST_NAME_COLUMNS), group)
        for group in snapshot.groups or ()
    ]
    if snapshot.other_groups is not None and snapshot.group_count is not None:
        others = snapshot.group_count - len(named)
        count = f"{others:,} " if others else ""
        named.append((f"{count}other{'s' * (others != 1)}", snapshot.other_groups))
    if not named:
        yield (Span(f"{INDENT}none", "quiet"),)
        return
    room = width - len(INDENT) - max(width_of(name) for name, _ in named) - len(GAP)
    rows: list[Row] = [tuple(Span(head, "quiet") for head in HEADS)]
    for name, group in named:
        rows += (_figures(name, group), *_leading_error(group, room))
    yield from table(rows, "<" + ">" * len(HEADS[1:]), width)


def _figures(name: str, group: Group | OtherGroups) -> Row:
    tasks, backlog, stats = group.tasks, group.backlog, group.latency.end_to_end_ms
    counts = (tasks.completed, tasks.failed, backlog.queued.count, backlog.processing.count)
    created = UNRECORDED if tasks.created is None else f"{tasks.created:,}"
    texts = (created, *(f"{count:,}" for count in counts), _slowest(stats))
    return (Span(name, "title"), *map(Span, texts))


def _slowest(stats: LatencyStats | None) -> str:
    if stats is None:
        return UNRECORDED
    return "-" if stats.p95 is None else seconds_text(stats.p95)


def _leading_error(group: Group | OtherGroups, room: int) -> Iterator[Row]:
    for error in (group.top_errors or ())[:1]:
        text = f"{error.count:,} {shown(error.code)}, {task_text(error.sample, shown)}"
        yield from ((Span(""), Span(line, "quiet")) for line in fold(text, room))
