"""How each database is read: from one consistent view, in UTC, writing nothing, within a time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import SingletonThreadPool, StaticPool

SQLITE_STEPS_BETWEEN_CLOCK_READINGS = 10_000

POSTGRESQL_SETTINGS = {
    "TimeZone": "UTC",
    # Compiling takes longer than it saves.
    "jit": "off",
    # A statement that the driver has prepared is planned for its window all the same.
    "plan_cache_mode": "force_custom_plan",
    # Processes that are started once in a while take longer to start than the default of 1000 says.
    "parallel_setup_cost": "5000",
}

# PostgreSQL: query_canceled, lock_not_available; serialization_failure, which a transaction that
# only reads meets on a replica alone. MySQL: ER_LOCK_WAIT_TIMEOUT, ER_QUERY_TIMEOUT;
# MariaDB: ER_STATEMENT_TIMEOUT.
TIMEOUT_SQLSTATES = ("57014", "55P03")
CONFLICT_SQLSTATE = "40001"
TIMEOUT_ERRORS = (1205, 3024, 1969, "interrupted", "database is locked", "database table is locked")


def is_in_use(engine: sa.Engine) -> bool:
    """Whether the host is in a transaction on the only connection that there is, as it may be with
    an in-memory SQLite database.
    """
    if engine.dialect.name != "sqlite":
        return False
    driver: Any = None
    if isinstance(engine.pool, StaticPool):
        driver = engine.pool.connection.driver_connection
    elif isinstance(engine.pool, SingletonThreadPool):
        # It hands out what the host's thread already has, and closing that takes nothing back.
        with closing(engine.raw_connection()) as connection:
            driver = connection.driver_connection
    return driver is not None and driver.in_transaction


def read_only_view(connection: sa.Connection, timeout_ms: int) -> AbstractContextManager[None]:
    """One consistent, read-only view of the database, in UTC, whose statements the database stops
    after `timeout_ms`.

    What it changes about the connection it takes back at the end. On SQLite the time is for all
    statements of the view together; 0 leaves the database's own rule alone.
    """
    return VIEWS[connection.dialect.name](connection, timeout_ms)


@contextmanager
def _postgresql_view(connection: sa.Connection, timeout_ms: int) -> Iterator[None]:
    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    settings = POSTGRESQL_SETTINGS | ({"statement_timeout": f"{timeout_ms}"} if timeout_ms else {})
    connection.execute(
        sa.select(*(sa.func.set_config(name, value, True) for name, value in settings.items()))
    )
    yield


@contextmanager
def _mysql_view(connection: sa.Connection, timeout_ms: int) -> Iterator[None]:
    is_mariadb = cast(Any, connection.dialect).is_mariadb
    wanted = {"time_zone": "+00:00"} | mysql_timeout(timeout_ms, is_mariadb=is_mariadb)
    names = ", ".join(f"@@SESSION.{name} AS {name}" for name in wanted)
    before = connection.exec_driver_sql(f"SELECT {names}").mappings().one()
    try:
        _set_session(connection, wanted)
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("START TRANSACTION READ ONLY")
        yield
    finally:
        if not connection.invalidated:
            connection.exec_driver_sql("ROLLBACK")
            _set_session(connection, before)


def mysql_timeout(timeout_ms: int, *, is_mariadb: bool) -> dict[str, Any]:
    """The session variable that has MySQL or MariaDB stop a statement after milliseconds."""
    if not timeout_ms:
        return {}
    if is_mariadb:
        return {"max_statement_time": timeout_ms / 1000}
    return {"max_execution_time": timeout_ms}


def _set_session(connection: sa.Connection, variables: Mapping[str, Any] | sa.RowMapping) -> None:
    connection.execute(
        sa.text(f"SET {', '.join(f'SESSION {name} = :{name}' for name in variables)}"),
        dict(variables),
    )


@contextmanager
def _sqlite_view(connection: sa.Connection, timeout_ms: int) -> Iterator[None]:
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    before = {
        name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("query_only", "busy_timeout")
    }
    try:
        _set_pragmas(
            connection, {"query_only": 1, "busy_timeout": timeout_ms or before["busy_timeout"]}
        )
        if timeout_ms:
            deadline = time.monotonic() + timeout_ms / 1000
            driver.set_progress_handler(
                lambda: time.monotonic() > deadline, SQLITE_STEPS_BETWEEN_CLOCK_READINGS
            )
        # By itself the driver begins a transaction at the first write only; the host may have told
        # it to begin at once.
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN")
        yield
    finally:
        if timeout_ms:
            driver.set_progress_handler(None, 0)
        if driver.in_transaction:
            connection.exec_driver_sql("ROLLBACK")
        _set_pragmas(connection, before)


def _set_pragmas(connection: sa.Connection, pragmas: Mapping[str, int]) -> None:
    for pragma, value in pragmas.items():
        connection.exec_driver_sql(f"PRAGMA {pragma} = {value}")


VIEWS: Mapping[str, Callable[[sa.Connection, int], AbstractContextManager[None]]] = {
    "postgresql": _postgresql_view,
    "mysql": _mysql_view,
    "mariadb": _mysql_view,
    "sqlite": _sqlite_view,
}


SUPPORTED = tuple(VIEWS)


def is_timeout(error: DBAPIError) -> bool:
    """Whether a database gave up because the time for a statement, or for a lock that it waited
    for, was over.
    """
    cause: Any = error.orig
    return _sqlstate(cause) in TIMEOUT_SQLSTATES or (
        bool(cause.args) and cause.args[0] in TIMEOUT_ERRORS
    )


def is_conflict(error: DBAPIError) -> bool:
    """Whether a replica gave up a statement for what it had to take over from its primary."""
    return _sqlstate(error.orig) == CONFLICT_SQLSTATE


def _sqlstate(cause: Any) -> str | None:
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
