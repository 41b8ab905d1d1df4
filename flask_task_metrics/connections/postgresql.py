"""Read-only transactions on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.deadline import Deadline

from .settings import CLEANUP_MS, renewed, restore_or_discard

SETTINGS = {
    "TimeZone": "UTC",
    # Compiling takes longer than it saves.
    "jit": "off",
    # All rows are read from a cursor, not a tenth of them.
    "cursor_tuple_fraction": "1",
    # A prepared statement's generic plan would not fit every window.
    "plan_cache_mode": "force_custom_plan",
    # Worker processes that start only now and then take longer to start than the default of 1000
    # assumes.
    "parallel_setup_cost": "5000",
}

DRIVER_ATTRIBUTES = ("autocommit", "isolation_level", "read_only", "readonly")
"""The attributes of a psycopg or psycopg2 connection that decide how a transaction begins."""


@contextmanager
def postgresql_transaction(connection: sa.Connection, deadline: Deadline) -> Iterator[None]:
    """Run a transaction; see `read_only_transaction`."""
    pooled: Any = connection.connection
    dialect: Any = connection.dialect
    driver = pooled.driver_connection
    before = {name: getattr(driver, name) for name in DRIVER_ATTRIBUTES if hasattr(driver, name)}

    def restore() -> None:
        connection.rollback()
        for name, value in before.items():
            setattr(driver, name, value)

    try:
        # The driver begins the transaction like this, so a host's own listener may speak first in
        # it. SQLAlchemy's execution options would not restore the attributes: they reset None, the
        # server's default, to a value.
        dialect.set_isolation_level(pooled.dbapi_connection, "REPEATABLE READ")
        dialect.set_readonly(pooled.dbapi_connection, True)
        _set_locally(connection, SETTINGS | _timeouts(deadline))
        with renewed(connection, deadline, lambda: _set_locally(connection, _timeouts(deadline))):
            yield
    finally:
        restore_or_discard(connection, restore)


def _timeouts(deadline: Deadline) -> dict[str, Any]:
    limits_ms = {
        "statement_timeout": deadline.left_ms(),
        "idle_in_transaction_session_timeout": deadline.left_ms(CLEANUP_MS),
    }
    return {
        name: sa.cast(sa.func.least(_own_ms(name), limit_ms), sa.Text)
        for name, limit_ms in limits_ms.items()
        if limit_ms is not None
    }


def _own_ms(name: str) -> sa.ColumnElement[Any]:
    own = sa.cast(sa.func.current_setting(name), sa.Interval)
    return sa.func.nullif(sa.extract("epoch", own) * 1000, 0)


def _set_locally(connection: sa.Connection, settings: Mapping[str, Any]) -> None:
    connection.execute(
        sa.select(*(sa.func.set_config(name, value, True) for name, value in settings.items()))
    )
