"""Every way in which the database can fail, brought about for real; after each the app is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from flask_task_metrics import TaskSource

from .databases import started_postgresql, url_of
from .host import (
    HEADERS,
    PATH,
    SOURCE,
    Base,
    Task,
    add_tasks,
    create_host,
    current_utc,
    dispose_engines,
)
from .relay import Relay

UNAVAILABLE = (503, "METRICS_UNAVAILABLE", "5")
TIMEOUT = (503, "METRICS_TIMEOUT", "5")
ERROR = (500, "METRICS_ERROR", None)

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BY_URL = pytest.mark.parametrize("database_url", ["mariadb", "postgresql-by-url"], indirect=True)

SHOWN_TASKS = sa.table("shown_tasks", *(sa.column(c.name, c.type) for c in Task.__table__.columns))

LOCK = {
    "postgresql": "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE",
    "mariadb": "LOCK TABLES tasks WRITE",
    "sqlite": "BEGIN EXCLUSIVE",
}
SLOWLY = {
    "postgresql": "SELECT tasks.* FROM tasks, pg_sleep(0.2)",
    "mariadb": "SELECT * FROM tasks WHERE SLEEP(0.2) = 0",
    "sqlite": """SELECT * FROM tasks WHERE 0 < (
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
        SELECT count(*) FROM n)""",
}
"""A moment for each figure that the task counts in: created, queued, and the backlog."""

OTHER_CONNECTIONS = {
    "postgresql": """SELECT pid, coalesce(wait_event_type = 'Lock', false) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()""",
    "mariadb": """SELECT id, state LIKE 'Waiting for table%%' FROM information_schema.processlist
        WHERE db = DATABASE() AND id <> CONNECTION_ID()""",
}
END_CONNECTION = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}


@contextmanager
def host(url: str | sa.URL, source: Any = SOURCE, **config: Any) -> Iterator[FlaskClient]:
    """A client of a host on a database that has one task, new in the queue."""
    app = create_host(url, source, **config)
    client = app.test_client()
    Base.metadata.create_all(engine_of(client))
    now = current_utc()
    add_tasks(engine_of(client), {"status": "queued", "created_at": now, "updated_at": now})
    try:
        yield client
    finally:
        dispose_engines(app)


def engine_of(client: FlaskClient) -> sa.Engine:
    with client.application.app_context():
        engine: sa.Engine = client.application.extensions["sqlalchemy"].engine
    return engine


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """A connection that is none of the host's."""
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        yield connection


@contextmanager
def locked_tasks(url: str) -> Iterator[None]:
    with connected(url) as connection:
        connection.exec_driver_sql(LOCK[connection.dialect.name])
        yield


def show_tasks(url: str, statement: str) -> None:
    """Make the view of the tasks that the host reads."""
    with connected(url) as connection:
        connection.exec_driver_sql("DROP VIEW IF EXISTS shown_tasks")
        connection.exec_driver_sql(f"CREATE VIEW shown_tasks AS {statement}")
        connection.commit()


def end_connections(url: str, *, waiting: bool) -> int:
    """End the host's connections to a database, all of them or those that wait for a lock, and
    count them.
    """
    with connected(url) as connection:
        name = connection.dialect.name
        others = connection.exec_driver_sql(OTHER_CONNECTIONS[name]).all()
        ended = [pid for pid, waits in others if waits or not waiting]
        for pid in ended:
            connection.exec_driver_sql(END_CONNECTION[name].format(pid))
    return len(ended)


def wait_until(happened: Callable[[], object]) -> None:
    deadline = monotonic() + 10
    while not happened():
        assert monotonic() < deadline


def problem(client: FlaskClient) -> tuple[int, str, str | None]:
    response = client.get(PATH, headers=HEADERS)
    return response.status_code, response.get_json()["code"], response.headers.get("Retry-After")


def queued(client: FlaskClient) -> int:
    tasks: dict[str, int] = client.get(PATH, headers=HEADERS).get_json()["tasks"]
    return tasks["queued"]


def test_a_stopped_server_is_unavailable_until_it_is_back() -> None:
    with started_postgresql() as server, host(url_of(server)) as client:
        assert 1 == queued(client)
        server.stop()
        assert UNAVAILABLE == problem(client)
        assert UNAVAILABLE == problem(client)
        server.start()
        assert 1 == queued(client)


@BY_URL
def test_a_server_that_cannot_be_reached_is_unavailable_until_it_can(database_url: str) -> None:
    server = sa.make_url(database_url)
    port = server.port or {"mariadb": 3306, "postgresql": 5432}[server.get_backend_name()]
    relay = Relay(server.host or "127.0.0.1", port)
    with host(server.set(host="127.0.0.1", port=relay.port)) as client:
        assert 1 == queued(client)
        relay.cut()
        assert UNAVAILABLE == problem(client)
        relay.restore()
        assert 1 == queued(client)
        relay.cut()


def test_a_database_file_that_cannot_be_opened_is_unavailable_until_it_can(tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    engine_options = {"poolclass": sa.NullPool}
    with host(f"sqlite:///{folder}/tasks.db", SQLALCHEMY_ENGINE_OPTIONS=engine_options) as client:
        folder.rename(tmp_path / "unmounted")
        assert UNAVAILABLE == problem(client)
        (tmp_path / "unmounted").rename(folder)
        assert 1 == queued(client)


@BY_URL
def test_a_pooled_connection_that_the_server_has_closed_is_replaced(database_url: str) -> None:
    with host(database_url) as client:
        assert 1 == queued(client)
        assert 1 == end_connections(database_url, waiting=False)
        assert 1 == queued(client)


@BY_URL
def test_a_connection_lost_in_the_middle_is_unavailable(database_url: str) -> None:
    with host(database_url) as client, locked_tasks(database_url):
        answers: list[tuple[int, str, str | None]] = []
        asking = Thread(target=lambda: answers.append(problem(client)))
        asking.start()
        wait_until(lambda: end_connections(database_url, waiting=True))
        asking.join()
    assert [UNAVAILABLE] == answers


def test_an_exhausted_pool_is_unavailable_until_a_connection_comes_free(database_url: str) -> None:
    pool = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.05, "poolclass": sa.QueuePool}
    with host(database_url, SQLALCHEMY_ENGINE_OPTIONS=pool) as client:
        with engine_of(client).connect():
            assert UNAVAILABLE == problem(client)
        assert 1 == queued(client)


def test_a_lock_held_longer_than_the_timeout_is_a_timeout(database_url: str) -> None:
    with host(database_url, TASK_METRICS_STATEMENT_TIMEOUT_MS=200) as client:
        with locked_tasks(database_url):
            assert TIMEOUT == problem(client)
        assert 1 == queued(client)


@on_sqlite
def test_why_the_time_was_over_is_logged(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flask_task_metrics")
    with host(database_url, TASK_METRICS_STATEMENT_TIMEOUT_MS=200) as client:
        client.environ_base["HTTP_X_REQUEST_ID"] = "req_1"
        with locked_tasks(database_url):
            assert TIMEOUT == problem(client)
    line = (
        '[METRICS] metrics.failed requestId=req_1 code=METRICS_TIMEOUT cause="database is locked"'
    )
    assert line == caplog.messages[0]


def test_a_statement_that_takes_longer_than_the_timeout_is_a_timeout(database_url: str) -> None:
    config = {"TASK_METRICS_STATEMENT_TIMEOUT_MS": 200}
    with host(database_url, TaskSource(SHOWN_TASKS), **config) as client:
        show_tasks(database_url, SLOWLY[engine_of(client).dialect.name])
        assert TIMEOUT == problem(client)
        show_tasks(database_url, "SELECT * FROM tasks")
        assert 1 == queued(client)


def test_a_timeout_of_zero_lets_a_statement_take_its_time(database_url: str) -> None:
    config = {"TASK_METRICS_STATEMENT_TIMEOUT_MS": 0}
    with host(database_url, TaskSource(SHOWN_TASKS), **config) as client:
        show_tasks(database_url, SLOWLY[engine_of(client).dialect.name])
        assert 1 == queued(client)


def test_a_dropped_table_is_an_error_until_it_is_back(database_url: str) -> None:
    with host(database_url) as client:
        Base.metadata.drop_all(engine_of(client))
        assert ERROR == problem(client)
        Base.metadata.create_all(engine_of(client))
        assert 0 == queued(client)


@on_sqlite
@pytest.mark.parametrize(
    "text", ["2026-01-30T11:30:00+02:00", "garbage", "1769763600", "now", "09:30:00", "2461070.9"]
)
def test_a_timestamp_that_is_not_utc_is_an_error_until_it_is_mended(
    database_url: str, text: str
) -> None:
    with host(database_url) as client, engine_of(client).connect() as connection:
        before = connection.exec_driver_sql("SELECT created_at FROM tasks").scalar_one()
        connection.exec_driver_sql("UPDATE tasks SET created_at = ?", (text,))
        connection.commit()
        assert ERROR == problem(client)
        connection.exec_driver_sql("UPDATE tasks SET created_at = ?", (before,))
        connection.commit()
        assert 1 == queued(client)


def test_a_dropped_column_is_an_error_until_it_is_back(database_url: str) -> None:
    with host(database_url) as client, engine_of(client).connect() as connection:
        connection.execute(sa.text("ALTER TABLE tasks RENAME COLUMN updated_at TO changed_at"))
        connection.commit()
        assert ERROR == problem(client)
        connection.execute(sa.text("ALTER TABLE tasks RENAME COLUMN changed_at TO updated_at"))
        connection.commit()
        assert 1 == queued(client)
