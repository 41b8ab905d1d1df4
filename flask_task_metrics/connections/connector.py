"""A connection that answers, within a deadline."""

from __future__ import annotations

from concurrent.futures import Future, wait
from contextvars import copy_context
from functools import partial
from threading import BoundedSemaphore, Thread

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from flask_task_metrics.deadline import Deadline
from flask_task_metrics.dialects import family_of
from flask_task_metrics.exceptions import MetricsUnavailable

from .files import connect, watch_files
from .pools import is_in_use, without_begin_listeners
from .sockets import Watch

PING_SECONDS = 2.0
"""A pooled connection that does not answer a ping within this time is stale."""

CHECKOUTS_FOR_EACH_TURN = 2
"""Checkouts under way, at most, for each turn: one that hangs keeps a place in the host's pool."""


class Connector:
    """Check connections out of the host's pool."""

    def __init__(self, engine: sa.Engine, max_concurrent: int = 1) -> None:
        watch_files(engine)
        self.engine = engine
        self._places = BoundedSemaphore(CHECKOUTS_FOR_EACH_TURN * max_concurrent)

    def connect(self, deadline: Deadline) -> sa.Connection:
        """Return a connection that answered a ping.

        Raises `MetricsUnavailable` if there is none before the deadline, if the database can't be
        reached, and if the host is in a transaction on the engine's only connection.
        """
        if is_in_use(self.engine):
            # Returning the connection to the pool would roll back the host's uncommitted changes.
            raise MetricsUnavailable
        try:
            return self._answering(deadline)
        except (DBAPIError, PoolTimeoutError) as error:
            raise MetricsUnavailable from error

    def _answering(self, deadline: Deadline) -> sa.Connection:
        connection = self._checked_out(deadline)
        left = deadline.left()
        try:
            # Half of the time is for the connection that replaces a stale one.
            _ping(connection, PING_SECONDS if left is None else min(PING_SECONDS, left / 2))
        except DBAPIError:
            # The failed ping invalidated the pool's other connections too.
            connection = self._checked_out(deadline)
            _ping(connection, deadline.left())
        return connection

    def _checked_out(self, deadline: Deadline) -> sa.Connection:
        engine = without_begin_listeners(self.engine)
        if deadline.at is None or not _may_block(engine):
            return connect(engine)
        if not self._places.acquire(timeout=deadline.left()):
            raise MetricsUnavailable from TimeoutError("earlier checkouts are still under way")
        checkout: Future[sa.Connection] = Future()
        self._start(engine, checkout)
        wait([checkout], deadline.left())
        if checkout.cancel():
            raise MetricsUnavailable from TimeoutError("no connection before the deadline")
        return checkout.result()

    def _start(self, engine: sa.Engine, checkout: Future[sa.Connection]) -> None:
        """Check out in a thread of its own, since nothing can end a checkout that hangs."""
        in_context = partial(copy_context().run, self._check_out, engine, checkout)
        try:
            Thread(target=in_context, daemon=True).start()
        except RuntimeError as error:
            # The system has no thread left.
            self._places.release()
            raise MetricsUnavailable from error

    def _check_out(self, engine: sa.Engine, checkout: Future[sa.Connection]) -> None:
        try:
            connection = connect(engine)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            if checkout.set_running_or_notify_cancel():
                checkout.set_exception(error)
        else:
            if checkout.set_running_or_notify_cancel():
                checkout.set_result(connection)
            else:
                connection.close()
        finally:
            self._places.release()


def _may_block(engine: sa.Engine) -> bool:
    """Return whether a checkout may wait, for the network or for the pool.

    Otherwise it stays in its thread, since an SQLite connection may belong to the thread that made
    it.
    """
    pool = engine.pool
    if family_of(engine.dialect) != "sqlite":
        return True
    return (
        isinstance(pool, sa.QueuePool)
        and pool.checkedin() == 0
        and -1 < pool._max_overflow <= pool.overflow()  # noqa: SLF001 - nothing public tells it
    )


def _ping(connection: sa.Connection, seconds: float | None) -> None:
    try:
        watch = Watch(connection, seconds)
        try:
            connection.exec_driver_sql("SELECT 1")
            connection.rollback()
        finally:
            watch.end()
    except BaseException:
        connection.close()
        raise
