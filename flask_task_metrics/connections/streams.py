"""Rows that are read while the database sends them, so that few are in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.deadline import Deadline
from flask_task_metrics.exceptions import MetricsTimeout

from .transactions import deadline_of

STREAMED_ROWS = 100
"""Rows that are fetched at a time."""


@contextmanager
def streamed(
    connection: sa.Connection, statement: sa.Executable, parameters: Mapping[str, Any]
) -> Iterator[Iterable[Any]]:
    """Execute a statement and yield its rows; those that are left at the end are dropped.

    Until then, the connection can execute no other statement. Reading past the deadline of
    `read_only_transaction` raises `MetricsTimeout`.
    """
    options = {"yield_per": STREAMED_ROWS}
    result = connection.execute(statement, parameters, execution_options=options)
    cursor = result.cursor
    try:
        yield _until(deadline_of(connection), result)
    finally:
        if connection.invalidated:
            _abandon_rows(cursor)
        result.close()


def _until(deadline: Deadline, rows: Iterable[Any]) -> Iterator[Any]:
    for row in rows:
        if deadline.is_past:
            raise MetricsTimeout from TimeoutError("reading the rows took too long")
        yield row


def _abandon_rows(cursor: Any) -> None:
    """Keep PyMySQL and mysqlclient from reading the rest of the rows of a lost connection."""
    if hasattr(cursor, "_result"):
        # A cursor without a connection reads nothing when it is closed.
        cursor.connection = None
    rows: Any = getattr(cursor, "_result", None)
    if hasattr(rows, "unbuffered_active"):
        rows.unbuffered_active = False
