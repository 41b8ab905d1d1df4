"""`flask task-metrics watch`."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import click
from flask.cli import with_appcontext

from flask_task_metrics.exceptions import (
    MetricsBusy,
    MetricsError,
    MetricsTimeout,
    MetricsUnavailable,
)
from flask_task_metrics.figures import Series, Snapshot
from flask_task_metrics.words import time_text

from .course import POINTS
from .layout import Line, paragraph
from .reading import Question, figures_options
from .reasons import reason
from .report import report_lines
from .screens import screen
from .texts import shown

FAILURES = (MetricsBusy, MetricsUnavailable, MetricsTimeout, MetricsError)
"""The errors after which the next reading may succeed."""


@dataclass(frozen=True)
class View:
    """The last figures, those before, and why they could not be read again; None if they were."""

    snapshot: Snapshot | None = None
    series: Series | None = None
    earlier: Snapshot | None = None
    failure: str | None = None


@click.command()
@click.option(
    "-n",
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=5,
    show_default=True,
    help="Seconds between two readings.",
)
@with_appcontext
@figures_options
def watch(*, interval: float, question: Question) -> None:
    """Show how the tasks are doing, again and again until Ctrl-C.

    Counts show their change since the last reading, and sparklines the course of time. If the
    figures can't be read, the last ones stay, marked as stale.
    """
    page = screen()
    with suppress(KeyboardInterrupt), ended_by_sigterm(), page.drawn() as draw:
        for view in views(question):
            draw(view_lines(view, page.width, question))
            time.sleep(interval)


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end a block as Ctrl-C does, so that the terminal is left as it was."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def views(question: Question) -> Iterator[View]:
    """Yield a view for each reading, as many as are asked for."""
    view = View()
    while True:
        try:
            figures, course = question.snapshot(), question.series(POINTS)
            view = View(figures, course, view.snapshot)
        except FAILURES as error:
            view = replace(view, failure=reason(error))
        yield view


def view_lines(view: View, width: int, question: Question) -> Iterator[Line]:
    """Yield the lines of a view; a failed reading comes first."""
    since = f"STALE since {time_text(view.snapshot.window.end)}" if view.snapshot else "No figures"
    if view.failure is not None:
        yield from paragraph(f"{since}: {shown(view.failure)}", width, "bad")
    if view.snapshot is not None:
        yield from report_lines(
            view.snapshot,
            width,
            source=question.source,
            group_by=question.group_by,
            earlier=view.earlier,
            series=view.series,
        )
