"""A table of jobs as a host may have it, the tasks in it, and the figures of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from flask_task_metrics import ConfigurationError, TaskSource
from tests.support.host import Timestamp
from tests.support.oracle import TaskRow, expected_snapshot
from tests.support.tasks import WINDOW

SQLITE = sqlite.dialect()

TIMESTAMPS = ("created_at", "processing_at", "completed_at", "updated_at")


def at(minutes: float) -> datetime:
    """Return the moment some minutes after the window's start."""
    return WINDOW.start.replace(tzinfo=None) + timedelta(minutes=minutes)


TASKS = (
    TaskRow(1, "completed", at(10), at(11), at(13), at(13)),
    TaskRow(2, "completed", at(-90), at(5), at(0), at(20)),
    TaskRow(3, "failed", at(30), at(31), None, at(32), "NO_ANSWER after 31 s", "req_3"),
    TaskRow(4, "failed", at(33), at(34), None, at(35), "NO_ANSWER after 32 s", "req_4"),
    TaskRow(5, "failed", None, None, None, at(0)),
    TaskRow(6, "queued", at(-180), None, None, at(-180)),
    TaskRow(7, "processing", at(55), at(56), None, at(57)),
    TaskRow(8, "processing", at(0), None, None, at(50)),
    TaskRow(9, "cancelled", at(0), None, None, at(59)),
    TaskRow(10, "paused", at(0), None, None, at(0)),
    TaskRow(11),
)

EXPECTED = expected_snapshot(TASKS, WINDOW)

COLUMNS: dict[str, Any] = {
    "id": sa.Integer(),
    "status": sa.String(32),
    "created_at": Timestamp,
    "processing_at": Timestamp,
    "completed_at": Timestamp,
    "updated_at": Timestamp,
    "error_message": sa.Text(),
    "request_id": sa.String(128),
}


def job_table(**types: Any) -> sa.Table:
    """Return a table with the usual columns; a keyword gives a column another type."""
    columns = (
        sa.Column(name, column_type, primary_key=name == "id")
        for name, column_type in (COLUMNS | types).items()
    )
    return sa.Table("jobs", sa.MetaData(), *columns)


def timestamps(value: Any) -> dict[str, Any]:
    """Give all timestamp columns the same value."""
    return dict.fromkeys(TIMESTAMPS, value)


def store(
    engine: sa.Engine,
    table: sa.Table,
    tasks: Iterable[TaskRow] = TASKS,
    **stored: Callable[[Any], Any],
) -> None:
    """Create a table and insert tasks; a keyword converts the values of its column."""
    table.create(engine)
    rows = [
        {
            name: value if value is None or name not in stored else stored[name](value)
            for name, value in vars(task).items()
        }
        for task in tasks
    ]
    with engine.begin() as connection:
        connection.execute(sa.insert(table), rows)


def table_without_definition() -> Any:
    """Return a source on a table whose name and columns alone are known."""
    return TaskSource(sa.table("jobs", *(sa.column(*column) for column in COLUMNS.items())))


def refusal_of(source: TaskSource, dialect: sa.Dialect = SQLITE) -> str:
    """Return the message of the error that a wrong source raises."""
    with pytest.raises(ConfigurationError) as raised:
        source.check(dialect)
    return str(raised.value)
