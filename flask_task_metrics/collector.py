"""Runs the queries in one read-only view of the database, and makes a snapshot of their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from .conditions import parameters
from .dialects import is_conflict, is_in_use, is_timeout, read_only_view
from .error_codes import ErrorCodeOf, error_code
from .exceptions import MetricsError, MetricsTimeout, MetricsUnavailable
from .latencies import read_latency
from .queries import Statements
from .snapshot import (
    Backlog,
    BacklogCount,
    ErrorCount,
    ErrorSample,
    Snapshot,
    TaskCounts,
    Window,
)
from .statuses import STATUSES


def collect(
    engine: sa.Engine,
    statements: Statements,
    window: Window,
    *,
    error_code_of: ErrorCodeOf | None,
    top_errors: int,
    timeout_ms: int,
) -> Snapshot:
    """Read all figures of a window from one view of the database.

    Raises `MetricsUnavailable` where the database can't be reached or the pool is exhausted,
    `MetricsTimeout` where a statement took longer than `timeout_ms`, and `MetricsError` for any
    other error of the database.
    """
    with view(engine, timeout_ms) as connection:
        tasks, backlog = _counts(connection, statements.count_tasks, window)
        return Snapshot(
            window=window,
            tasks=tasks,
            backlog=backlog,
            latency=read_latency(
                connection,
                statements.measure_latencies,
                statements.sample_latencies,
                window,
                tasks.completed,
            ),
            top_errors=_top_errors(connection, statements, window, error_code_of, top_errors),
        )


@contextmanager
def view(engine: sa.Engine, timeout_ms: int) -> Iterator[sa.Connection]:
    """A connection that reads one view of the database; see `collect` for what it raises."""
    try:
        with _connect(engine) as connection, read_only_view(connection, timeout_ms):
            yield connection
    except PoolTimeoutError as error:
        raise MetricsUnavailable from error
    except DBAPIError as error:
        if is_timeout(error):
            raise MetricsTimeout from error
        if error.connection_invalidated or is_conflict(error):
            raise MetricsUnavailable from error
        raise MetricsError from error


def _connect(engine: sa.Engine) -> sa.Connection:
    if is_in_use(engine):
        # Giving the connection back would roll back what the host has not committed.
        raise MetricsUnavailable
    try:
        connection = engine.connect()
        if _is_alive(connection):
            return connection
        # The pool had kept it from before the database went away, and now has dropped all such.
        connection.close()
        return engine.connect()
    except DBAPIError as error:
        raise MetricsUnavailable from error


def _is_alive(connection: sa.Connection) -> bool:
    try:
        connection.execute(sa.select(1))
    except DBAPIError:
        return False
    connection.rollback()
    return True


def _counts(
    connection: sa.Connection, count_tasks: sa.Executable, window: Window
) -> tuple[TaskCounts, Backlog]:
    told = parameters({"start": window.start, "end": window.end})
    rows = {row.figure: row for row in connection.execute(count_tasks, told)}
    tasks = TaskCounts(
        created=rows["created"].tasks, **{status: rows[status].tasks for status in STATUSES}
    )
    return tasks, Backlog(
        _backlog_count(rows["backlog_queued"]), _backlog_count(rows["backlog_processing"])
    )


def _backlog_count(row: Any) -> BacklogCount:
    age_ms = row.oldest_age_ms
    return BacklogCount(row.tasks, None if age_ms is None else int(age_ms / 1000))


def _top_errors(
    connection: sa.Connection,
    statements: Statements,
    window: Window,
    error_code_of: ErrorCodeOf | None,
    top: int,
) -> tuple[ErrorCount, ...]:
    counts: Counter[str] = Counter()
    latest: dict[str, tuple[int, str, Any]] = {}
    for row in connection.execute(statements.count_errors, parameters({"start": window.start})):
        own_code, message, tasks, last_seen_ms = row
        code = error_code(own_code, message, error_code_of)
        counts[code] += tasks
        seen = (last_seen_ms, message or "", row)
        if code not in latest or latest[code][:2] < seen[:2]:
            latest[code] = seen
    leading = sorted(counts, key=lambda code: (-counts[code], code))[:top]

    def error_count(code: str) -> ErrorCount:
        row = latest[code][-1]
        seen = (window.start + timedelta(milliseconds=row.last_seen_ms)).replace(microsecond=0)
        told = parameters({"code": row.code, "message": row.message, "seen": seen})
        task = connection.execute(statements.sample_error, told).one()
        request_id = None if task.request_id is None else str(task.request_id)
        return ErrorCount(code, counts[code], seen, ErrorSample(str(task.id), request_id))

    return tuple(error_count(code) for code in leading)
