"""Access to the host's database: a connection, a transaction, and the errors that can end them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, StatementError

from flask_task_metrics.deadline import Deadline
from flask_task_metrics.exceptions import MetricsError, MetricsTimeout, MetricsUnavailable

from .connector import Connector
from .driver_errors import is_conflict, is_lost, is_timeout
from .sockets import Watch
from .transactions import read_only_transaction

GRACE_SECONDS = 0.5
"""The time after the deadline in which the database may still stop a statement itself."""


@contextmanager
def read_transaction(connector: Connector, deadline: Deadline) -> Iterator[sa.Connection]:
    """Open a connection with a read-only transaction, in which every statement sees the same data.

    Raises the errors of `open_connection`.
    """
    with (
        open_connection(connector, deadline) as connection,
        read_only_transaction(connection, deadline),
    ):
        yield connection


@contextmanager
def open_connection(connector: Connector, deadline: Deadline) -> Iterator[sa.Connection]:
    """Open a connection, and drop it if it is not back half a second after the deadline.

    Raises `MetricsUnavailable` if the database can't be reached or ended the session, and if a
    replica cancelled the query; `MetricsTimeout` if the database stopped a statement, at the
    deadline or while it waited for a lock, or did not answer it; `MetricsError` for any other
    error.
    """
    with closing(connector.connect(deadline)) as connection:
        left = deadline.left()
        watch = Watch(connection, None if left is None else left + GRACE_SECONDS)
        try:
            try:
                yield connection
            finally:
                _give_back(connection, watch)
        except Exception as error:
            if watch.has_dropped:
                raise MetricsTimeout from TimeoutError("the database did not answer")
            if isinstance(error, StatementError):
                # A filter's values come from a query, and no log may have these.
                error.hide_parameters = True
            if isinstance(error, DBAPIError):
                raise _failure(error) from error
            raise
        finally:
            watch.end()


def _give_back(connection: sa.Connection, watch: Watch) -> None:
    """Return a connection to its pool, which ends the watch before anybody else gets it."""
    if watch.has_dropped:
        connection.invalidate()
    if not connection.invalidated:
        record: Any = connection.connection._connection_record  # noqa: SLF001 - as SQLAlchemy does

        def end_watch(_: Any) -> None:
            watch.end()
            if watch.has_dropped:
                record.invalidate()

        record.finalize_callback.append(end_watch)
    connection.close()


def _failure(error: DBAPIError) -> MetricsTimeout | MetricsUnavailable | MetricsError:
    if is_timeout(error):
        return MetricsTimeout()
    if is_lost(error) or is_conflict(error):
        return MetricsUnavailable()
    return MetricsError()
