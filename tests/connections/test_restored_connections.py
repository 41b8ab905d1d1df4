"""A host's connection comes back as it was, whatever set it up."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import psycopg.rows
import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from flask_task_metrics import MetricsError
from flask_task_metrics.connections import Connector, read_only_transaction, read_transaction
from flask_task_metrics.deadline import Deadline
from tests.support.databases import on
from tests.support.host import Task, add_tasks, snapshot_of
from tests.support.sessions import session
from tests.support.tasks import COMPLETED

on_postgresql = on("postgresql", "postgresql-by-url")

READ_ONLY = "default_transaction_read_only"


def by_role(engine: sa.Engine, url: sa.URL) -> sa.Engine:
    """Have the database make every session read-only, as `ALTER ROLE … SET` does for a role."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {engine.url.database} SET {READ_ONLY} = on")
    return sa.create_engine(url, pool_size=1)


def by_options(engine: sa.Engine, url: sa.URL) -> sa.Engine:
    """Pass a libpq option."""
    options = {"options": f"-c {READ_ONLY}=on"}
    return sa.create_engine(url, pool_size=1, connect_args=options)


def by_listener(engine: sa.Engine, url: sa.URL) -> sa.Engine:
    """Set up each new connection in a listener."""
    made = sa.create_engine(url, pool_size=1)

    @event.listens_for(made, "connect")
    def make_read_only(connection: Any, record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        connection.commit()

    return made


def by_driver_attribute(engine: sa.Engine, url: sa.URL) -> sa.Engine:
    """Set the driver's own attribute in a listener."""
    made = sa.create_engine(url, pool_size=1)

    @event.listens_for(made, "connect")
    def make_read_only(connection: Any, record: Any) -> None:
        setattr(connection, "read_only" if "psycopg2" not in url.drivername else "readonly", True)

    return made


def insert(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(Task).values(COMPLETED))


@on_postgresql
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("make", [by_role, by_options, by_listener, by_driver_attribute])
def test_a_read_only_session_is_read_only_afterwards(
    engine: sa.Engine, driver: str, make: Callable[[sa.Engine, sa.URL], sa.Engine]
) -> None:
    add_tasks(engine, COMPLETED)
    host = make(engine, engine.url.set(drivername=f"postgresql+{driver}"))
    before = session(host)

    assert 1 == snapshot_of(host).tasks.completed
    assert before == session(host)
    with pytest.raises(DBAPIError, match="read-only transaction"):
        insert(host)
    host.dispose()


@on_postgresql
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("level", ["SERIALIZABLE", "READ UNCOMMITTED", "AUTOCOMMIT"])
def test_the_engines_isolation_level_is_kept(engine: sa.Engine, driver: str, level: str) -> None:
    url = engine.url.set(drivername=f"postgresql+{driver}")
    host = sa.create_engine(url, pool_size=1, isolation_level=level)
    before = session(host)
    for _ in range(2):
        snapshot_of(host)

    assert before == session(host)
    with host.connect() as connection:
        connection.execute(sa.insert(Task).values(COMPLETED))
        connection.commit()
    assert 1 == snapshot_of(host).tasks.completed
    host.dispose()


@on_postgresql
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_listeners_isolation_level_is_kept(engine: sa.Engine, driver: str) -> None:
    host = sa.create_engine(engine.url.set(drivername=f"postgresql+{driver}"), pool_size=1)

    @event.listens_for(host, "connect")
    def make_serializable(connection: Any, record: Any) -> None:
        connection.isolation_level = 3 if driver == "psycopg2" else psycopg.IsolationLevel(4)

    before = session(host)
    snapshot_of(host)
    assert "serializable" == before["SHOW transaction_isolation"]
    assert before == session(host)
    host.dispose()


@on_postgresql
def test_a_row_factory_of_psycopg_is_kept(engine: sa.Engine) -> None:
    host = sa.create_engine(engine.url.set(drivername="postgresql+psycopg"), pool_size=1)

    @event.listens_for(host, "connect")
    def make_rows(connection: Any, record: Any) -> None:
        connection.row_factory = psycopg.rows.namedtuple_row

    add_tasks(engine, COMPLETED)
    assert 1 == snapshot_of(host).tasks.completed
    with host.connect() as connection:
        driver: Any = connection.connection.driver_connection
        assert psycopg.rows.namedtuple_row is driver.row_factory
    host.dispose()


@on("sqlite")
def test_a_row_factory_of_sqlite_is_kept(database_url: str, engine: sa.Engine) -> None:
    host = sa.create_engine(database_url, pool_size=1)

    @event.listens_for(host, "connect")
    def make_rows(connection: sqlite3.Connection, record: Any) -> None:
        connection.row_factory = sqlite3.Row

    add_tasks(engine, COMPLETED)
    assert 1 == snapshot_of(host).tasks.completed
    with host.connect() as connection:
        driver: Any = connection.connection.driver_connection
        assert sqlite3.Row is driver.row_factory
    host.dispose()


@on_postgresql
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_listener_of_the_hosts_may_speak_first_in_the_transaction(
    engine: sa.Engine, driver: str
) -> None:
    host = sa.create_engine(engine.url.set(drivername=f"postgresql+{driver}"))

    @event.listens_for(host, "begin")
    def set_tenant(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SELECT set_config('app.tenant', '7', true)")

    with read_transaction(Connector(host), Deadline()) as connection:
        settings = ("app.tenant", "transaction_isolation", "transaction_read_only")
        shown = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in settings]
    assert ["7", "repeatable read", "on"] == shown
    host.dispose()


STRICTER = {
    "postgresql": "SET statement_timeout = 1000",
    "mariadb": "SET SESSION max_statement_time = 1",
    "mysql": "SET SESSION max_execution_time = 1000",
    "sqlite": "PRAGMA busy_timeout = 1000",
}
TIMEOUT_MS = {
    "postgresql": "SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'",
    "mariadb": "SELECT CAST(@@max_statement_time * 1000 AS SIGNED)",
    "mysql": "SELECT @@max_execution_time",
    "sqlite": "PRAGMA busy_timeout",
}


@contextmanager
def with_stricter_timeout(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection:
        connection.exec_driver_sql(STRICTER[engine.dialect.name])
        connection.commit()
        yield connection


STRICTER_MS = range(1000, 1001)


@pytest.mark.parametrize(
    ("timeout_ms", "in_force"), [(5000, STRICTER_MS), (500, range(1, 501)), (0, STRICTER_MS)]
)
def test_the_stricter_timeout_stays_in_force(
    engine: sa.Engine, timeout_ms: int, in_force: range
) -> None:
    timeout = TIMEOUT_MS[engine.dialect.name]
    with with_stricter_timeout(engine) as connection:
        with read_only_transaction(connection, Deadline.in_ms(timeout_ms)):
            assert connection.exec_driver_sql(timeout).scalar() in in_force
        connection.rollback()
        assert connection.exec_driver_sql(timeout).scalar() in STRICTER_MS


@pytest.fixture(params=["engine", "class"])
def immediate(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine that begins its transactions with BEGIN IMMEDIATE, by a listener of its own or of
    its class.
    """
    host = sa.create_engine(f"sqlite:///{tmp_path / 'immediate.db'}")
    target = host if request.param == "engine" else sa.Engine

    def leave_transactions_alone(connection: Any, record: Any) -> None:
        connection.isolation_level = None

    def begin_immediate(connection: sa.Connection) -> None:
        if connection.engine.url == host.url:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(host, "connect", leave_transactions_alone)
    event.listen(target, "begin", begin_immediate)
    Task.metadata.create_all(host)
    with host.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    yield host
    event.remove(target, "begin", begin_immediate)
    host.dispose()


def test_a_snapshot_takes_no_write_lock_where_the_host_begins_immediately(
    immediate: sa.Engine,
) -> None:
    writer = sqlite3.connect(str(immediate.url.database), timeout=0)
    with read_transaction(Connector(immediate), Deadline()) as reading:
        reading.execute(sa.select(Task.id)).all()
        writer.execute("INSERT INTO tasks (status, updated_at) VALUES ('queued', '2026-01-30')")
        writer.commit()
    writer.close()
    assert 1 == snapshot_of(immediate).backlog.queued.count


@on("sqlite")
def test_a_connection_that_is_always_in_a_transaction_comes_back_in_one(
    database_url: str, engine: sa.Engine
) -> None:
    add_tasks(engine, COMPLETED)
    # Older versions of Python have no such mode.
    mode = {"autocommit": False} if sys.version_info >= (3, 12) else {}
    always = sa.create_engine(database_url, connect_args=mode, pool_size=1)
    for _ in range(2):
        assert 1 == snapshot_of(always).tasks.completed
    add_tasks(always, COMPLETED)
    assert 2 == snapshot_of(always).tasks.completed
    always.dispose()


@on("sqlite")
def test_a_host_whose_authorizer_refuses_pragmas_can_connect(
    database_url: str, engine: sa.Engine
) -> None:
    secret = sa.create_engine(database_url)

    @event.listens_for(secret, "connect")
    def refuse_pragmas(driver: sqlite3.Connection, record: Any) -> None:
        driver.set_authorizer(
            lambda action, *_: (
                sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_PRAGMA else sqlite3.SQLITE_OK
            )
        )

    with pytest.raises(MetricsError):
        snapshot_of(secret)
    with secret.connect() as connection:
        assert 0 == connection.scalar(sa.select(sa.func.count()).select_from(Task))
    secret.dispose()


@on("sqlite")
def test_a_transaction_that_a_driver_has_begun_at_once_is_read_in(engine: sa.Engine) -> None:
    add_tasks(engine, COMPLETED)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        with read_only_transaction(connection, Deadline()):
            assert 1 == len(connection.execute(sa.select(Task.id)).all())
