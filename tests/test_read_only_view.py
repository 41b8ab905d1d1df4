"""The snapshot is read from one consistent view, writes nothing, and leaves the host as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from flask_task_metrics import MetricsError, MetricsUnavailable, Snapshot, TaskMetrics
from flask_task_metrics.dialects import read_only_view

from .host import HEADERS, NOW, PATH, SECRET, Base, Task, add_tasks, dispose_engines, snapshot_of

AT = NOW.replace(tzinfo=None)
COMPLETED = {
    "status": "completed",
    "created_at": AT,
    "processing_at": AT,
    "completed_at": AT,
    "updated_at": AT,
}
FAILED = {"status": "failed", "created_at": AT, "updated_at": AT, "error_message": "NO_ANSWER"}

SESSION = {
    "sqlite": ["PRAGMA query_only", "PRAGMA busy_timeout"],
    "postgresql": [
        "SHOW TimeZone",
        "SHOW statement_timeout",
        "SHOW transaction_isolation",
        "SHOW transaction_read_only",
    ],
    "mariadb": [
        "SELECT @@time_zone",
        "SELECT @@max_statement_time",
        "SELECT @@tx_isolation",
        "SELECT @@tx_read_only",
    ],
}
"""What tells how a connection is set up."""

LONG_STATEMENT = {
    "sqlite": """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
        SELECT count(*) FROM n""",
    "postgresql": "SELECT 1000000 FROM pg_sleep(0.1)",
    "mariadb": "SELECT 1000000 + SLEEP(0.1)",
}

READER = {
    "postgresql": [
        "CREATE ROLE {reader} LOGIN PASSWORD 'reader'",
        "GRANT SELECT ON tasks TO {reader}",
    ],
    "mariadb": [
        "CREATE USER {reader} IDENTIFIED BY 'reader'",
        "GRANT SELECT ON tasks TO {reader}",
    ],
}
FORGET_READER = {
    "postgresql": ["DROP OWNED BY {reader}", "DROP ROLE {reader}"],
    "mariadb": ["DROP USER {reader}"],
}


@pytest.fixture(params=["AUTOCOMMIT", "READ COMMITTED", "SERIALIZABLE"])
def pooled(request: pytest.FixtureRequest, engine: sa.Engine) -> Iterator[sa.Engine]:
    """An engine of the host's whose pool keeps one connection, at each isolation level."""
    level = request.param
    if (engine.dialect.name, level) == ("sqlite", "READ COMMITTED"):
        level = "READ UNCOMMITTED"
    pooled = sa.create_engine(
        engine.url, poolclass=sa.QueuePool, pool_size=1, isolation_level=level
    )
    yield pooled
    pooled.dispose()


def snapshot(engine: sa.Engine, **config: Any) -> Snapshot:
    app = Flask("host")
    app.config.update(config)
    task_metrics = TaskMetrics(engine, Task, app=app)
    with app.app_context():
        return task_metrics.snapshot(now=NOW)


def session(engine: sa.Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        questions = SESSION[connection.dialect.name]
        return {asked: connection.exec_driver_sql(asked).scalar() for asked in questions}


@contextmanager
def after_each_select(engine: sa.Engine, action: Callable[[], None]) -> Iterator[None]:
    def act(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM tasks" in statement:
            action()

    event.listen(engine, "after_cursor_execute", act)
    yield
    event.remove(engine, "after_cursor_execute", act)


def test_what_is_written_meanwhile_is_in_no_figure(engine: sa.Engine, pooled: sa.Engine) -> None:
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    add_tasks(engine, COMPLETED, FAILED)
    before = snapshot(pooled)
    with after_each_select(pooled, lambda: add_tasks(engine, COMPLETED, FAILED)):
        assert before == snapshot(pooled)
    assert 5 == snapshot(pooled).tasks.failed


def test_the_database_itself_refuses_to_write_in_the_view(pooled: sa.Engine) -> None:
    refused = pytest.raises(DBAPIError, match=r"(?i)read.?only")
    with pooled.connect() as connection, read_only_view(connection, 1000), refused:
        connection.execute(sa.insert(Task).values(COMPLETED))


def test_the_connection_goes_back_as_it_came(pooled: sa.Engine) -> None:
    before = session(pooled)
    snapshot(pooled)
    assert before == session(pooled)


def test_the_connection_goes_back_as_it_came_after_an_error(pooled: sa.Engine) -> None:
    before = session(pooled)
    Base.metadata.drop_all(pooled)
    with pytest.raises(MetricsError) as raised:
        snapshot(pooled)
    assert isinstance(raised.value.__cause__, DBAPIError)
    assert before == session(pooled)


def test_the_host_writes_on_the_same_connection_afterwards(pooled: sa.Engine) -> None:
    snapshot(pooled)
    add_tasks(pooled, COMPLETED)
    assert 1 == snapshot(pooled).tasks.completed


def test_the_connection_goes_back_as_it_came_where_the_database_ended_the_transaction(
    pooled: sa.Engine,
) -> None:
    before = session(pooled)
    with pooled.connect() as connection, read_only_view(connection, 1000):
        connection.exec_driver_sql("ROLLBACK")
    assert before == session(pooled)


def test_the_timeout_does_not_outlast_the_snapshot(pooled: sa.Engine) -> None:
    snapshot(pooled, TASK_METRICS_STATEMENT_TIMEOUT_MS=50)
    with pooled.connect() as connection:
        statement = LONG_STATEMENT[connection.dialect.name]
        assert 1000000 == connection.exec_driver_sql(statement).scalar()


def test_a_user_who_may_only_read_is_enough(engine: sa.Engine) -> None:
    add_tasks(engine, COMPLETED, FAILED)
    with reader_of(engine) as reader:
        assert snapshot(engine) == snapshot(reader)


@contextmanager
def reader_of(engine: sa.Engine) -> Iterator[sa.Engine]:
    name = f"reader_{uuid4().hex[:8]}"
    if engine.dialect.name == "sqlite":
        url = sa.make_url(f"sqlite:///file:{engine.url.database}?mode=ro&uri=true")
    else:
        url = engine.url.set(username=name, password="reader")  # noqa: S106 - the tests' own
    execute(engine, READER.get(engine.dialect.name, []), name)
    reader = sa.create_engine(url)
    yield reader
    reader.dispose()
    execute(engine, FORGET_READER.get(engine.dialect.name, []), name)


def execute(engine: sa.Engine, statements: list[str], reader: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.format(reader=reader))


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


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_host_that_begins_sqlite_transactions_by_itself_is_read_too(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def leave_transactions_alone(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    engine.dispose()
    add_tasks(engine, COMPLETED)
    assert 1 == snapshot(engine).tasks.completed


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_busy_timeout_of_the_hosts_own_is_kept(engine: sa.Engine) -> None:
    pooled = sa.create_engine(engine.url, poolclass=sa.StaticPool, connect_args={"timeout": 7})
    snapshot(pooled, TASK_METRICS_STATEMENT_TIMEOUT_MS=0)
    assert 7000 == session(pooled)["PRAGMA busy_timeout"]
    pooled.dispose()


def test_the_only_connection_of_a_thread_keeps_the_hosts_open_transaction() -> None:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(sa.insert(Task).values(COMPLETED))
        with pytest.raises(MetricsUnavailable):
            snapshot(engine)
        connection.commit()
        assert 1 == snapshot(engine).tasks.completed
    engine.dispose()


def test_a_pool_of_one_connection_for_all_is_read(engine: sa.Engine) -> None:
    add_tasks(engine, COMPLETED)
    pooled = sa.create_engine(engine.url, poolclass=sa.StaticPool)
    assert 1 == snapshot(pooled).tasks.completed
    pooled.dispose()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_progress_handler_of_the_hosts_own_is_kept_where_there_is_no_timeout(
    engine: sa.Engine,
) -> None:
    calls: list[int] = []
    pooled = sa.create_engine(engine.url, poolclass=sa.StaticPool)
    with pooled.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: calls.append(1), 1)
    snapshot(pooled, TASK_METRICS_STATEMENT_TIMEOUT_MS=0)
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
