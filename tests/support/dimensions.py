"""Tasks with dimensions of every kind, and a source that declares these."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import Snapshot, TaskMetrics, TaskSource
from tests.support.host import NOW, SECRET
from tests.support.jobs import COLUMNS
from tests.support.oracle import TaskRow


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
    app = Flask("host")
    app.config.update(TASK_METRICS_ADMIN_SECRET=SECRET, **config)
    task_metrics = TaskMetrics(engine, source, app=app)
    with app.app_context():
        return task_metrics.snapshot(60, where=where, now=NOW)


def texts_of(tasks: Iterable[str | None]) -> Classified:
    """Return tasks that failed in the window, each with its text as the dimension."""
    end = NOW.replace(tzinfo=None)
    return [
        (TaskRow(number, "failed", end, end, None, end, "NO_ANSWER"), {"engine": text})
        for number, text in enumerate(tasks, 1)
    ]
