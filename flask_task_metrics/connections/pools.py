"""The host's engine: a connection that is in use, and listeners that would take a write lock."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from flask_task_metrics.dialects import family_of


def is_in_use(engine: sa.Engine) -> bool:
    """Return whether the host is in a transaction on the engine's only connection, as it may be on
    an in-memory SQLite database.
    """
    if family_of(engine.dialect) != "sqlite":
        return False
    driver: Any = None
    if isinstance(engine.pool, StaticPool):
        driver = engine.pool.connection.driver_connection
    elif isinstance(engine.pool, SingletonThreadPool):
        # This pool hands out the connection that the thread already has, and closing it here does
        # not take it from the host.
        with closing(engine.raw_connection()) as connection:
            driver = connection.driver_connection
    return driver is not None and driver.in_transaction


def without_begin_listeners(engine: sa.Engine) -> sa.Engine:
    """Return an engine over the same pool that begins no SQLite transaction in the host's way.

    A listener may begin every transaction with `BEGIN IMMEDIATE`, which takes the write lock.
    """
    if family_of(engine.dialect) != "sqlite" or not engine.dispatch.begin:
        return engine
    options = engine.get_execution_options()
    plain = sa.Engine(engine.pool, engine.dialect, engine.url, execution_options=options)
    plain._has_events = False  # noqa: SLF001 - a listener may be on the class Engine
    return plain
