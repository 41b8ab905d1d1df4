"""The course of time in sparklines."""

from __future__ import annotations

from collections.abc import Iterator

from flask_task_metrics.figures import Series, age_text
from flask_task_metrics.words import LATENCIES, NOT_RECORDED, seconds_text

from .layout import Line, Row, Span, table
from .texts import sparkline

POINTS = 30
"""Steps of time; a sparkline of so many leaves room for a count and its changes in 80 columns."""


def steps_text(series: Series | None) -> str:
    """Return the length of the steps, as it follows a title: ` in steps of 5 min`."""
    return "" if series is None else f" in steps of {age_text(series.step_seconds)}"


def course_of_count(series: Series, name: str) -> str:
    """Return the sparkline of a count; an empty text for one without a course."""
    return sparkline([getattr(point, name) for point in series.points if hasattr(point, name)])


def slowest_lines(series: Series, width: int) -> Iterator[Line]:
    """Yield the 95th percentile of each latency in each step."""
    return table([_row(series, *latency) for latency in LATENCIES.items()], "<<<", width)


def _row(series: Series, name: str, title: str) -> Row:
    stats = [getattr(point, name) for point in series.points]
    if None in stats:
        return Span(title), Span(NOT_RECORDED, "quiet")
    slow = [one.p95 for one in stats]
    most = max((value for value in slow if value is not None), default=None)
    if most is None:
        return Span(title), Span("no samples", "quiet")
    return Span(title), Span(sparkline(slow), "bar"), Span(f"most {seconds_text(most)} s")
