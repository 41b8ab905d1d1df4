"""A snapshot as a person reads it in a terminal: its state first, then a section for each kind of
figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flask_task_metrics.figures import Series, Snapshot, State
from flask_task_metrics.words import NOT_RECORDED, time_text, window_text

from .course import slowest_lines, steps_text
from .groups import group_lines
from .layout import Line, Style, paragraph, title
from .sections import backlog_lines, count_lines, error_lines, latency_lines
from .texts import shown

STATE_STYLES: Mapping[State | None, Style] = {
    "stalled": "bad",
    "stuck": "bad",
    "idle": "quiet",
    "working": "good",
}


def report_lines(
    snapshot: Snapshot,
    width: int,
    *,
    source: str | None = None,
    group_by: str | None = None,
    earlier: Snapshot | None = None,
    series: Series | None = None,
) -> Iterator[Line]:
    """Yield a snapshot in lines of at most `width` columns, with the name of its source, and of the
    dimension that it is grouped by.

    Counts show their change since an `earlier` snapshot, and the course of a `series`.
    Figures that are not recorded are shown as such, never as a 0.
    """
    yield from _heading(snapshot, width, source)
    since = f", and changes since {time_text(earlier.window.end)}" if earlier else ""
    steps = steps_text(series)
    sections = {
        f"Backlog{since}": backlog_lines(snapshot, earlier, width),
        f"Counts{steps}{since}": count_lines(snapshot, earlier, series, width),
        f"Top errors{since}": error_lines(snapshot, earlier, width),
        "Latencies in seconds": latency_lines(snapshot, width),
    }
    if series is not None:
        sections[f"p95{steps}"] = slowest_lines(series, width)
    if snapshot.groups is not None:
        name = f"Groups by {group_by}, {snapshot.group_count:,} in all"
        sections[name] = group_lines(snapshot, width)
    for name, lines in sections.items():
        yield ()
        yield title(name)
        yield from lines


def _heading(snapshot: Snapshot, width: int, source: str | None) -> Iterator[Line]:
    word = snapshot.state.upper() if snapshot.state else f"State {NOT_RECORDED}"
    sentence = f"{word}: {snapshot.reason}." if snapshot.reason else f"{word}."
    yield from paragraph(sentence, width, STATE_STYLES.get(snapshot.state, "warning"))
    named = f"; source {shown(source)}" if source else ""
    yield from paragraph(window_text(snapshot.window) + named, width, "quiet")
