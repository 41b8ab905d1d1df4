"""The tasks completed in a window, by step: the rows that their latencies are measured on, and the
values that come of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from flask_task_metrics.figures.durations import completed_instants, durations_between
from flask_task_metrics.figures.predicates import has_status, is_in_window
from flask_task_metrics.figures.query import Query
from flask_task_metrics.source import TaskSource

from .counts import CountsByStep, started_by_step
from .numbers import number_in_window, number_of_step, step_values
from .steps import Steps
from .values import LatencyPercentiles

NO_SAMPLES = LatencyPercentiles(p50=None, p95=None, p99=None, samples=0)


@dataclass
class CompletedByStep:
    """The latencies by figure and number of a step, and how many of the tasks started in each."""

    latencies: dict[tuple[str, int], LatencyPercentiles] = field(default_factory=dict)
    started: CountsByStep = field(default_factory=CountsByStep)


class CompletedSteps(Protocol):
    """The statements of the tasks completed in each step, and the reading of their rows."""

    def queries(self, steps: Steps) -> list[Query]:
        """Return the statements as they run for a window of few tasks."""

    def read(self, connection: sa.Connection, steps: Steps, most: int) -> CompletedByStep:
        """Read the tasks completed in each step, of which one has about `most`.

        The number decides how they are read, and has no effect on the figures.
        """


def measured_queries(measure: sa.Executable, count: sa.Executable, steps: Steps) -> list[Query]:
    """Return the statements of the latencies of each step and of the tasks started in it."""
    wanted = step_values(steps)
    return [
        Query("latencies by step", measure, wanted),
        Query("completed tasks by start", count, wanted),
    ]


def durations_by_step(source: TaskSource, *, with_start: bool = False) -> sa.Select[Any]:
    """Select the number of the step in which each task was completed, and its latencies; behind
    the first, the number of the step in which it started if that is wanted.
    """
    at = completed_instants(source, is_in_window(source, "completed_at"))
    started: Any = number_in_window("processing_at", at["processing_at"]).label("started")
    return sa.select(
        number_of_step("completed_at", at["completed_at"]).label("number"),
        *([started] if with_start else []),
        *durations_between(at),
    )


def completed_by_start(source: TaskSource) -> sa.Select[Any]:
    """Select rows (figure, number, tasks): the steps in which the completed tasks started."""
    is_completed = has_status(source, "completed"), is_in_window(source, "completed_at")
    return started_by_step(source, *is_completed)
