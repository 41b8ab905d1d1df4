"""Tasks with dimensions of every kind, and a source that declares these."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import Group, OtherGroups, Snapshot, TaskMetrics, TaskSource
from tests.support.host import NOW, SECRET
from tests.support.jobs import COLUMNS
from tests.support.oracle import TaskRow, expected_snapshot, is_in
from tests.support.tasks import STATUSES, WINDOW


class Tier(enum.Enum):
    """The Enum of a host; the database stores the names."""

    FREE = "free"
    PAID = "paid"


Dimensions: TypeAlias = Mapping[str, Any]
"""The values of a task's dimensions by name."""

Classified: TypeAlias = list[tuple[TaskRow, Dimensions]]
"""Tasks with their dimensions."""

TYPES: Mapping[str, Any] = {
    "engine": sa.String(32),
    "tier": sa.Enum(Tier, name="tier"),
    "priority": sa.SmallInteger(),
    "urgent": sa.Boolean(),
}


def classified_table() -> sa.Table:
    """Return a table of jobs with a column for each dimension."""
    columns = (
        sa.Column(name, column_type, primary_key=name == "id")
        for name, column_type in {**COLUMNS, **TYPES}.items()
    )
    return sa.Table("jobs", sa.MetaData(), *columns)


def classified_source(table: sa.Table) -> TaskSource:
    """Return a source with a dimension for each such column, and an expression as another."""
    big: Any = table.c.priority > 5
    return TaskSource(table, dimensions={**dict(zip(TYPES, TYPES, strict=True)), "big": big})


def store_classified(engine: sa.Engine, table: sa.Table, tasks: Classified) -> None:
    """Create the table if need be, and let it hold these tasks alone."""
    table.metadata.create_all(engine)
    rows = [{**asdict(task), **dict.fromkeys(TYPES), **dimensions} for task, dimensions in tasks]
    with engine.begin() as connection:
        connection.execute(sa.delete(table))
        connection.execute(sa.insert(table), rows)


def selected(tasks: Classified, holds: Callable[[Dimensions], bool]) -> list[TaskRow]:
    """Return the tasks whose dimensions meet a condition."""
    return [task for task, dimensions in tasks if holds(dimensions)]


def filtered_snapshot(engine: sa.Engine, source: Any, where: Any, **config: Any) -> Snapshot:
    """Read the snapshot of an hour with a filter."""
    return reader_of(engine, source, **config)(where=where)


def reader_of(engine: sa.Engine, source: Any, **config: Any) -> Callable[..., Snapshot]:
    """Return a function that reads the snapshot of an hour: `read(group_by="engine")`.

    Its statements are built once.
    """
    app = Flask("host")
    app.config.update(TASK_METRICS_ADMIN_SECRET=SECRET, **config)
    task_metrics = TaskMetrics(engine, source, app=app)

    def read(now: datetime = NOW, **asked: Any) -> Snapshot:
        with app.app_context():
            return task_metrics.snapshot(60, now=now, **asked)

    return read


Expected: TypeAlias = Callable[[Sequence[TaskRow]], Snapshot]
"""Computes the figures of tasks."""


def expected_in_window(tasks: Sequence[TaskRow]) -> Snapshot:
    """Compute the figures of an hour."""
    return expected_snapshot(tasks, WINDOW)


def expected_groups(
    tasks: Classified, dimension: str, expected: Expected = expected_in_window
) -> Snapshot:
    """Compute the figures of tasks, of the first 20 groups, and of all others together."""
    by_value: dict[Any, list[TaskRow]] = defaultdict(list)
    for task, dimensions in tasks:
        by_value[value_in_answer(dimensions[dimension])].append(task)
    figures = {
        value: figures_of(expected(of_value))
        for value, of_value in by_value.items()
        if any(map(is_counted, of_value))
    }

    def rank(value: Any) -> Any:
        counts, backlog, *_ = figures[value]
        scheduled = backlog.scheduled.count if backlog.scheduled else 0
        in_backlog = backlog.queued.count + backlog.processing.count + scheduled
        return -((counts.created or 0) + counts.failed + in_backlog), value is None, value

    ranked = sorted(figures, key=rank)
    first = ranked[:20]
    rest = expected([task for value in by_value if value not in first for task in by_value[value]])
    stats = (stats for stats in vars(rest.latency).values() if stats)
    has_rest = len(ranked) > len(first) or any(of_latency.samples for of_latency in stats)
    return replace(
        expected([task for task, _ in tasks]),
        groups=tuple(Group(dimension, value, *figures[value]) for value in first),
        other_groups=OtherGroups(*figures_of(rest)) if has_rest else None,
        group_count=len(ranked),
    )


def figures_of(snapshot: Snapshot) -> tuple[Any, ...]:
    """Return the figures that a group has, too."""
    return snapshot.tasks, snapshot.backlog, snapshot.latency, snapshot.top_errors


def is_counted(task: TaskRow) -> bool:
    """Return whether a task is in any count."""
    return (
        is_in(WINDOW, task.created_at)
        or task.status in ("queued", "processing")
        or (task.status in STATUSES and is_in(WINDOW, task.updated_at))
    )


def value_in_answer(value: Any) -> Any:
    """Return a value as an answer shows it."""
    return value.name if isinstance(value, Tier) else None if value == "" else value


def texts_of(tasks: Iterable[str | None]) -> Classified:
    """Return tasks that failed in the window, each with its text as the dimension."""
    end = NOW.replace(tzinfo=None)
    return [
        (TaskRow(number, "failed", end, end, None, end, "NO_ANSWER"), {"engine": text})
        for number, text in enumerate(tasks, 1)
    ]
