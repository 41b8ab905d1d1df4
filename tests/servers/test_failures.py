"""The database fails for real in every way it can; after each the app is right again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from flask_task_metrics import TaskSource
from tests.support.databases import on, started_postgresql, url_of
from tests.support.disturbances import SHOWN_TASKS, connected, locked_tasks, show_tasks
from tests.support.host import Base, add_tasks, engine_of, hosted
from tests.support.http import ERROR, TIMEOUT, UNAVAILABLE, host_client, problem, queued
from tests.support.relay import relay_to
from tests.support.waiting import wait_until

by_url = on("mariadb", "mysql", "postgresql-by-url")

SLOWLY = {
    "postgresql": "SELECT tasks.* FROM tasks, pg_sleep(0.2)",
    "mariadb": "SELECT * FROM tasks WHERE SLEEP(0.2) = 0",
    "mysql": "SELECT * FROM tasks WHERE SLEEP(0.2) = 0",
    "sqlite": """SELECT * FROM tasks WHERE 0 < (
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
        SELECT count(*) FROM n)""",
}
"""A moment for each figure that the task counts in: created, queued, and the backlog."""

OTHER_MYSQL_CONNECTIONS = """
    SELECT id, state LIKE 'Waiting for table%%' FROM information_schema.processlist
     WHERE db = DATABASE() AND id <> CONNECTION_ID()"""
OTHER_CONNECTIONS = {
    "postgresql": """SELECT pid, coalesce(wait_event_type = 'Lock', false) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()""",
    "mariadb": OTHER_MYSQL_CONNECTIONS,
    "mysql": OTHER_MYSQL_CONNECTIONS,
}

END_CONNECTION = {
    "postgresql": "SELECT pg_terminate_backend({})",
    "mariadb": "KILL {}",
    "mysql": "KILL {}",
}
CANCEL_STATEMENT = {
    "postgresql": "SELECT pg_cancel_backend({})",
    "mariadb": "KILL QUERY {}",
    "mysql": "KILL QUERY {}",
}


def end_connections(url: str, *, waiting: bool, by: Mapping[str, str] = END_CONNECTION) -> int:
    """End the host's connections to a database, all of them or those that wait for a lock, and
    count them; or only cancel their statements.
    """
    with connected(url) as connection:
        name = connection.dialect.name
        others = connection.exec_driver_sql(OTHER_CONNECTIONS[name]).all()
        ended = [pid for pid, waits in others if waits or not waiting]
        for pid in ended:
            connection.exec_driver_sql(by[name].format(pid))
    return len(ended)


@pytest.mark.database("postgresql")
def test_a_stopped_server_is_unavailable_until_it_is_back() -> None:
    with started_postgresql() as server, host_client(url_of(server)) as client:
        assert 1 == queued(client)
        server.stop()
        assert UNAVAILABLE == problem(client)
        assert UNAVAILABLE == problem(client)
        server.start()
        assert 1 == queued(client)


@by_url
def test_a_server_that_cannot_be_reached_is_unavailable_until_it_can(database_url: str) -> None:
    with relay_to(database_url) as (relay, url), host_client(url) as client:
        assert 1 == queued(client)
        relay.cut()
        assert UNAVAILABLE == problem(client)
        relay.restore()
        assert 1 == queued(client)


@pytest.mark.parametrize("poolclass", [sa.QueuePool, sa.NullPool])
def test_a_database_file_that_cannot_be_opened_is_unavailable_until_it_can(
    tmp_path: Path, poolclass: type[sa.Pool]
) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    engine_options = {"poolclass": poolclass}
    with host_client(
        f"sqlite:///{folder}/tasks.db", SQLALCHEMY_ENGINE_OPTIONS=engine_options
    ) as client:
        assert 1 == queued(client)
        folder.rename(tmp_path / "unmounted")
        assert UNAVAILABLE == problem(client)
        (tmp_path / "unmounted").rename(folder)
        assert 1 == queued(client)


@on("sqlite")
def test_a_database_file_that_is_replaced_is_read_at_once(
    database_url: str, tmp_path: Path
) -> None:
    with host_client(database_url) as client:
        assert 1 == queued(client)
        with hosted(f"sqlite:///{tmp_path}/new.db") as other:
            Base.metadata.create_all(engine_of(other))
        (tmp_path / "new.db").replace(tmp_path / "tasks.db")
        assert 0 == queued(client)


def test_a_database_file_that_is_read_only_is_read(tmp_path: Path) -> None:
    with host_client(f"sqlite:///{tmp_path}/tasks.db"):
        pass
    with hosted(f"sqlite:///file:{tmp_path}/tasks.db?mode=ro&uri=true") as app:
        assert 1 == queued(app.test_client())


def test_a_database_that_is_full_is_read(tmp_path: Path) -> None:
    with host_client(f"sqlite:///{tmp_path}/tasks.db") as client:
        engine = engine_of(client.application)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        with pytest.raises(OperationalError, match="full"):
            add_tasks(engine, {"error_message": "x" * 10_000})
        assert 1 == queued(client)


@by_url
def test_a_pooled_connection_that_the_server_has_closed_is_replaced(database_url: str) -> None:
    with host_client(database_url) as client:
        assert 1 == queued(client)
        assert 1 == end_connections(database_url, waiting=False)
        assert 1 == queued(client)


@by_url
@pytest.mark.parametrize(
    ("by", "expected"), [(END_CONNECTION, UNAVAILABLE), (CANCEL_STATEMENT, TIMEOUT)]
)
def test_a_connection_lost_in_the_middle_is_unavailable_and_a_cancelled_statement_a_timeout(
    database_url: str, by: Mapping[str, str], expected: tuple[int, str, str | None]
) -> None:
    with host_client(database_url) as client, locked_tasks(database_url):
        answers: list[tuple[int, str, str | None]] = []
        asking = Thread(target=lambda: answers.append(problem(client)))
        asking.start()
        wait_until(lambda: end_connections(database_url, waiting=True, by=by))
        asking.join()
    assert [expected] == answers


def test_an_exhausted_pool_is_unavailable_until_a_connection_comes_free(database_url: str) -> None:
    pool = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.05, "poolclass": sa.QueuePool}
    with host_client(database_url, SQLALCHEMY_ENGINE_OPTIONS=pool) as client:
        with engine_of(client.application).connect():
            assert UNAVAILABLE == problem(client)
        assert 1 == queued(client)


def test_a_lock_held_longer_than_the_timeout_is_a_timeout(database_url: str) -> None:
    with host_client(database_url, TASK_METRICS_TIMEOUT_MS=1000) as client:
        with locked_tasks(database_url):
            assert TIMEOUT == problem(client)
        assert 1 == queued(client)


@on("sqlite")
def test_why_the_time_was_over_is_logged(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flask_task_metrics")
    with host_client(database_url, TASK_METRICS_TIMEOUT_MS=1000) as client:
        client.environ_base["HTTP_X_REQUEST_ID"] = "req_1"
        with locked_tasks(database_url):
            assert TIMEOUT == problem(client)
    line = (
        '[METRICS] metrics.failed requestId=req_1 code=METRICS_TIMEOUT cause="database is locked"'
    )
    assert line == caplog.messages[0]


def test_a_statement_that_takes_longer_than_the_timeout_is_a_timeout(database_url: str) -> None:
    config = {"TASK_METRICS_TIMEOUT_MS": 500}
    with host_client(database_url, TaskSource(SHOWN_TASKS), **config) as client:
        show_tasks(database_url, SLOWLY[engine_of(client.application).dialect.name])
        assert TIMEOUT == problem(client)
        show_tasks(database_url, "SELECT * FROM tasks")
        assert 1 == queued(client)


@pytest.mark.slow
def test_a_timeout_of_zero_lets_a_statement_take_its_time(database_url: str) -> None:
    config = {"TASK_METRICS_TIMEOUT_MS": 0}
    with host_client(database_url, TaskSource(SHOWN_TASKS), **config) as client:
        show_tasks(database_url, SLOWLY[engine_of(client.application).dialect.name])
        assert 1 == queued(client)


def test_a_dropped_table_is_an_error_until_it_is_back(database_url: str) -> None:
    with host_client(database_url) as client:
        Base.metadata.drop_all(engine_of(client.application))
        assert ERROR == problem(client)
        Base.metadata.create_all(engine_of(client.application))
        assert 0 == queued(client)


@on("sqlite")
@pytest.mark.parametrize(
    "text", ["2026-01-30T11:30:00+02:00", "garbage", "1769763600", "now", "09:30:00", "2461070.9"]
)
def test_a_timestamp_that_is_not_utc_is_an_error_until_it_is_mended(
    database_url: str, text: str
) -> None:
    with host_client(database_url) as client, engine_of(client.application).connect() as connection:
        before = connection.exec_driver_sql("SELECT created_at FROM tasks").scalar_one()
        connection.exec_driver_sql("UPDATE tasks SET created_at = ?", (text,))
        connection.commit()
        assert ERROR == problem(client)
        connection.exec_driver_sql("UPDATE tasks SET created_at = ?", (before,))
        connection.commit()
        assert 1 == queued(client)


def test_a_dropped_column_is_an_error_until_it_is_back(database_url: str) -> None:
    with host_client(database_url) as client, engine_of(client.application).connect() as connection:
        connection.execute(sa.text("ALTER TABLE tasks RENAME COLUMN updated_at TO changed_at"))
        connection.commit()
        assert ERROR == problem(client)
        connection.execute(sa.text("ALTER TABLE tasks RENAME COLUMN changed_at TO updated_at"))
        connection.commit()
        assert 1 == queued(client)
