"""A snapshot is read in one consistent transaction, and leaves the host as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from flask_task_metrics import MetricsError, MetricsTimeout, MetricsUnavailable, TaskMetrics
from flask_task_metrics.connections import read_only_transaction
from flask_task_metrics.deadline import Deadline
from tests.support.databases import on, run
from tests.support.host import (
    HEADERS,
    NOW,
    PATH,
    SECRET,
    Base,
    Task,
    add_tasks,
    dispose_engines,
    snapshot_of,
)
from tests.support.sessions import after_each_select, session
from tests.support.tasks import COMPLETED, FAILED

LONG_STATEMENT = {
    "sqlite": """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000000)
        SELECT count(*) FROM n""",
    "postgresql": "SELECT 5000000 FROM pg_sleep(0.5)",
    "mariadb": "SELECT 5000000 + SLEEP(0.5)",
    "mysql": "SELECT 5000000 + SLEEP(0.5)",
}

CREATE_MYSQL_READER = [
    "CREATE USER {reader} IDENTIFIED BY 'reader'",
    "GRANT SELECT ON tasks TO {reader}",
]

READER = {
    "postgresql": [
        "CREATE ROLE {reader} LOGIN PASSWORD 'reader'",
        "GRANT SELECT ON tasks TO {reader}",
    ],
    "mariadb": CREATE_MYSQL_READER,
    "mysql": CREATE_MYSQL_READER,
}

FORGET_READER = {
    "postgresql": ["DROP OWNED BY {reader}", "DROP ROLE {reader}"],
    "mariadb": ["DROP USER {reader}"],
    "mysql": ["DROP USER {reader}"],
}


@pytest.fixture(params=["AUTOCOMMIT", "READ COMMITTED", "SERIALIZABLE"])
def pooled(request: pytest.FixtureRequest, engine: sa.Engine) -> Iterator[sa.Engine]:
    """Yield an engine of the host's whose pool keeps one connection, at each isolation level."""
    level = request.param
    if (engine.dialect.name, level) == ("sqlite", "READ COMMITTED"):
        level = "READ UNCOMMITTED"
    pooled = sa.create_engine(
        engine.url, poolclass=sa.QueuePool, pool_size=1, isolation_level=level
    )
    yield pooled
    pooled.dispose()


def test_what_is_written_meanwhile_is_in_no_figure(engine: sa.Engine, pooled: sa.Engine) -> None:
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    add_tasks(engine, COMPLETED, FAILED)
    before = snapshot_of(pooled)
    with after_each_select(pooled, lambda: add_tasks(engine, COMPLETED, FAILED)):
        assert before == snapshot_of(pooled)
    assert 6 == snapshot_of(pooled).tasks.failed


def test_the_database_itself_refuses_to_write_in_the_view(pooled: sa.Engine) -> None:
    refused = pytest.raises(DBAPIError, match=r"(?i)read.?only")
    with (
        pooled.connect() as connection,
        read_only_transaction(connection, Deadline()),
        refused,
    ):
        connection.execute(sa.insert(Task).values(COMPLETED))


def test_the_connection_goes_back_as_it_came(pooled: sa.Engine) -> None:
    before = session(pooled)
    snapshot_of(pooled)
    assert before == session(pooled)


def test_the_connection_goes_back_as_it_came_after_an_error(pooled: sa.Engine) -> None:
    before = session(pooled)
    Base.metadata.drop_all(pooled)
    with pytest.raises(MetricsError) as raised:
        snapshot_of(pooled)
    assert isinstance(raised.value.__cause__, DBAPIError)
    assert before == session(pooled)


def test_the_host_writes_on_the_same_connection_afterwards(pooled: sa.Engine) -> None:
    snapshot_of(pooled)
    add_tasks(pooled, COMPLETED)
    assert 1 == snapshot_of(pooled).tasks.completed


def test_the_connection_goes_back_as_it_came_where_the_database_ended_the_transaction(
    pooled: sa.Engine,
) -> None:
    before = session(pooled)
    with pooled.connect() as connection, read_only_transaction(connection, Deadline()):
        connection.exec_driver_sql("ROLLBACK")
    assert before == session(pooled)


def test_the_timeout_does_not_outlast_the_snapshot(pooled: sa.Engine) -> None:
    # A busy machine may not have done by then, and it makes no difference.
    with suppress(MetricsTimeout, MetricsUnavailable):
        snapshot_of(pooled, TASK_METRICS_TIMEOUT_MS=300)
    with pooled.connect() as connection:
        statement = LONG_STATEMENT[connection.dialect.name]
        assert 5000000 == connection.exec_driver_sql(statement).scalar()


@on("postgresql", "postgresql-by-url")
def test_a_snapshot_is_planned_for_its_window_with_nothing_that_takes_long_to_start(
    engine: sa.Engine,
) -> None:
    hosts = {"jit": "on", "plan_cache_mode": "auto", "parallel_setup_cost": "1000"}
    options = " ".join(f"-c {name}={value}" for name, value in hosts.items())
    pooled = sa.create_engine(engine.url.update_query_dict({"options": options}), pool_size=1)
    used = []

    @event.listens_for(pooled, "after_cursor_execute")
    def look(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM tasks" in statement:
            used.append(settings_of(connection, hosts))

    snapshot_of(pooled)
    expected = {"jit": "off", "plan_cache_mode": "force_custom_plan", "parallel_setup_cost": "5000"}
    assert [expected] * len(used) == used != []
    with pooled.connect() as connection:
        assert hosts == settings_of(connection, hosts)
    pooled.dispose()


def settings_of(connection: sa.Connection, names: Iterable[str]) -> dict[str, str]:
    driver: Any = connection.connection.driver_connection
    settings = {}
    with closing(driver.cursor()) as cursor:
        for name in names:
            cursor.execute(f"SHOW {name}")
            settings[name] = cursor.fetchone()[0]
    return settings


def test_a_user_who_may_only_read_is_enough(engine: sa.Engine) -> None:
    add_tasks(engine, COMPLETED, FAILED)
    with reader_of(engine) as reader:
        assert snapshot_of(engine) == snapshot_of(reader)


@contextmanager
def reader_of(engine: sa.Engine) -> Iterator[sa.Engine]:
    name = f"reader_{uuid4().hex[:8]}"
    if engine.dialect.name == "sqlite":
        url = sa.make_url(f"sqlite:///file:{engine.url.database}?mode=ro&uri=true")
    else:
        url = engine.url.set(username=name, password="reader")  # noqa: S106 - the tests' own
    run(engine, *(s.format(reader=name) for s in READER.get(engine.dialect.name, [])))
    reader = sa.create_engine(url)
    yield reader
    reader.dispose()
    run(engine, *(s.format(reader=name) for s in FORGET_READER.get(engine.dialect.name, [])))


@contextmanager
def uncommitted_task(url: str) -> Iterator[tuple[Flask, TaskMetrics]]:
    """A host inside its app context, whose session has a completed task that is not committed."""
    app = Flask("host")
    app.config.update(SQLALCHEMY_DATABASE_URI=url, TASK_METRICS_ADMIN_SECRET=SECRET)
    db = SQLAlchemy(app, model_class=Base)
    task_metrics = TaskMetrics(db, Task, app=app)
    with app.app_context():
        Base.metadata.create_all(db.engine)
        db.session.add(Task(**COMPLETED))
        db.session.flush()
        yield app, task_metrics
    dispose_engines(app)


def commit(app: Flask) -> None:
    app.extensions["sqlalchemy"].session.commit()


def test_the_hosts_session_keeps_its_open_transaction(database_url: str) -> None:
    with uncommitted_task(database_url) as (app, task_metrics):
        assert 0 == task_metrics.snapshot(now=NOW).tasks.completed
        commit(app)
        assert 1 == task_metrics.snapshot(now=NOW).tasks.completed


def test_the_hosts_session_keeps_its_open_transaction_on_a_connection_that_all_share() -> None:
    with uncommitted_task("sqlite://") as (app, task_metrics):
        with pytest.raises(MetricsUnavailable):
            task_metrics.snapshot(now=NOW)
        commit(app)
        assert 1 == task_metrics.snapshot(now=NOW).tasks.completed


def test_a_connection_that_all_share_is_unavailable_until_the_hosts_transaction_ends() -> None:
    with uncommitted_task("sqlite://") as (app, _):
        before = app.test_client().get(PATH, headers=HEADERS)
        commit(app)
        after = app.test_client().get(PATH, headers=HEADERS)
        assert (503, "METRICS_UNAVAILABLE", 200) == (
            before.status_code,
            before.get_json()["code"],
            after.status_code,
        )


@on("sqlite")
def test_a_host_that_begins_sqlite_transactions_by_itself_is_read_too(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def leave_transactions_alone(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    engine.dispose()
    add_tasks(engine, COMPLETED)
    assert 1 == snapshot_of(engine).tasks.completed


@on("sqlite")
def test_a_busy_timeout_of_the_hosts_own_is_kept(engine: sa.Engine) -> None:
    pooled = sa.create_engine(engine.url, poolclass=sa.StaticPool, connect_args={"timeout": 7})
    snapshot_of(pooled, TASK_METRICS_TIMEOUT_MS=0)
    assert 7000 == session(pooled)["PRAGMA busy_timeout"]
    pooled.dispose()


def test_the_only_connection_of_a_thread_keeps_the_hosts_open_transaction() -> None:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(sa.insert(Task).values(COMPLETED))
        with pytest.raises(MetricsUnavailable):
            snapshot_of(engine)
        connection.commit()
        assert 1 == snapshot_of(engine).tasks.completed
    engine.dispose()


def test_a_pool_of_one_connection_for_all_is_read(engine: sa.Engine) -> None:
    add_tasks(engine, COMPLETED)
    pooled = sa.create_engine(engine.url, poolclass=sa.StaticPool)
    assert 1 == snapshot_of(pooled).tasks.completed
    pooled.dispose()


@on("sqlite")
def test_a_progress_handler_of_the_hosts_own_is_kept_where_there_is_no_timeout(
    engine: sa.Engine,
) -> None:
    calls: list[int] = []
    pooled = sa.create_engine(engine.url, poolclass=sa.StaticPool)
    with pooled.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: calls.append(1), 1)
    snapshot_of(pooled, TASK_METRICS_TIMEOUT_MS=0)
    calls.clear()
    session(pooled)
    assert [] != calls
    pooled.dispose()


def test_a_host_that_commits_by_itself_still_does_afterwards(
    engine: sa.Engine, database_url: str
) -> None:
    hosts = sa.create_engine(database_url, isolation_level="AUTOCOMMIT", pool_size=1)
    snapshot_of(hosts)
    with hosts.connect() as connection:
        connection.execute(sa.insert(Task).values(status="queued"))
        with engine.connect() as other:
            assert 1 == other.execute(sa.select(sa.func.count()).select_from(Task)).scalar_one()
    hosts.dispose()
