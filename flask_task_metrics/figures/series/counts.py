"""The counts of each step: tasks created, started and ended in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.figures.predicates import has_status, is_in_window
from flask_task_metrics.figures.query import Query
from flask_task_metrics.source import ENDED, STATUSES, TaskSource

from .numbers import step_values, tasks_by_step
from .steps import Steps

CountsByStep: TypeAlias = Counter[tuple[str, int]]
"""Tasks by figure and number of a step."""


@dataclass(frozen=True)
class StepCounts:
    """The statement of the counts of each step, and the reading of its rows."""

    statement: sa.Executable

    @classmethod
    def of(cls, source: TaskSource) -> StepCounts:
        """Build the statement for a source."""
        return cls(count_by_step(source))

    def query(self, steps: Steps) -> Query:
        """Return the statement as it runs for the steps of a window."""
        return Query("counts by step", self.statement, step_values(steps))

    def read(self, connection: sa.Connection, steps: Steps) -> CountsByStep:
        """Count the tasks of each step, but for the started ones of `CompletedByStep`."""
        return added_up(self.query(steps).run(connection))


def count_by_step(source: TaskSource) -> sa.Executable:
    """Select rows (figure, number, tasks): `created`, `started` and the statuses that tasks end in,
    as far as the source records their timestamps.

    `started` lacks the tasks that `completed_by_start` counts.
    """
    updated_at, is_updated = source.tasks.c.updated_at, is_in_window(source, "updated_at")
    parts = [
        tasks_by_step(status, "updated_at", updated_at, has_status(source, status), is_updated)
        for status in ENDED
    ]
    if source.records("created_at"):
        is_created = is_in_window(source, "created_at")
        parts.append(tasks_by_step("created", "created_at", source.tasks.c.created_at, is_created))
    if source.records("processing_at"):
        parts += (started_by_step(source, is_updated, other) for other in _others(source))
    return sa.union_all(*parts)


def started_by_step(source: TaskSource, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Select rows (figure, number, tasks) of tasks that started in the window."""
    is_started = is_in_window(source, "processing_at")
    return tasks_by_step(
        "started", "processing_at", source.tasks.c.processing_at, *conditions, is_started
    )


def _others(source: TaskSource) -> Iterator[sa.ColumnElement[bool]]:
    """Yield whether a task is not completed, and whether it is but has no `completed_at`.

    Separate range conditions can use an index; one OR can't.
    """
    yield has_status(source, *(status for status in STATUSES if status != "completed"))
    yield sa.and_(has_status(source, "completed"), source.tasks.c.completed_at.is_(None))


def added_up(rows: Iterable[Any]) -> CountsByStep:
    """Return the counts of rows (figure, number, tasks)."""
    counts: CountsByStep = Counter()
    for figure, number, tasks in rows:
        counts[figure, number] += tasks
    return counts
