"""Through PgBouncer in transaction mode a snapshot is what it is without, and nothing of it is left
for the next client of the server's connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import psutil
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from flask_task_metrics import TaskSource
from flask_task_metrics.connections import read_only_transaction
from flask_task_metrics.deadline import Deadline
from tests.support.databases import on
from tests.support.host import (
    HEADERS,
    PATH,
    SOURCE,
    Task,
    add_tasks,
    create_host,
    dispose_engines,
    snapshot_of,
    view_of_tasks,
)
from tests.support.http import TIMEOUT, UNAVAILABLE, problem
from tests.support.pgbouncer import started_pgbouncer
from tests.support.sessions import after_each_select, session
from tests.support.tasks import errors_of, failed_now

pytestmark = on("postgresql")

# A statement that the driver prepares stays on the server's connection, which the next transaction
# may find itself without, and another client find taken.
ENGINE_OPTIONS = {"connect_args": {"prepare_threshold": None}}

MORE_THAN_THE_DRIVER_TAKES_TO_PREPARE = 8

SLOW_TASKS = view_of_tasks("slow_tasks")


@pytest.fixture(scope="module")
def pgbouncer(postgresql: sa.URL) -> Iterator[dict[str, str]]:
    with started_pgbouncer(postgresql) as query:
        yield query


@pytest.fixture
def pooled_url(engine: sa.Engine, pgbouncer: dict[str, str]) -> sa.URL:
    """Return the URL of the engine's database through PgBouncer."""
    return engine.url.set(query=pgbouncer)


@pytest.fixture(params=[sa.QueuePool, sa.NullPool])
def client(request: pytest.FixtureRequest, pooled_url: sa.URL) -> Iterator[sa.Engine]:
    """Yield an engine of the host's, with and without a pool of its own."""
    engine = sa.create_engine(pooled_url, poolclass=request.param, **ENGINE_OPTIONS)
    yield engine
    engine.dispose()


@pytest.fixture
def next_client(pooled_url: sa.URL) -> Iterator[sa.Engine]:
    """Yield an engine of somebody else's, on the same connection to the server."""
    engine = sa.create_engine(pooled_url, **ENGINE_OPTIONS)
    yield engine
    engine.dispose()


def now() -> datetime:
    return datetime.now(timezone.utc)


def failures_seen_by(engine: sa.Engine) -> int:
    return snapshot_of(engine, now=now()).tasks.failed


def server_session(engine: sa.Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    return session(engine) | {"pid": pid}


def test_what_is_written_meanwhile_is_in_no_figure(engine: sa.Engine, client: sa.Engine) -> None:
    add_tasks(engine, failed_now())
    before = failures_seen_by(client)
    with after_each_select(client, lambda: add_tasks(engine, failed_now())):
        meanwhile = snapshot_of(client, now=now())
    assert (before, before) == (meanwhile.tasks.failed, errors_of(meanwhile)[0].count)
    assert before < failures_seen_by(client)


def test_the_server_refuses_to_write_in_the_view(client: sa.Engine) -> None:
    refused = pytest.raises(DBAPIError, match="read-only transaction")
    with (
        client.connect() as connection,
        read_only_transaction(connection, Deadline()),
        refused,
    ):
        connection.execute(sa.insert(Task).values(failed_now()))


def test_the_next_client_finds_the_servers_connection_as_it_was(
    client: sa.Engine, next_client: sa.Engine
) -> None:
    before = server_session(next_client)
    snapshot_of(client)
    assert before == server_session(next_client)


def test_snapshots_and_the_hosts_writes_share_a_connection_however_often_a_statement_runs(
    client: sa.Engine, next_client: sa.Engine
) -> None:
    runs = range(MORE_THAN_THE_DRIVER_TAKES_TO_PREPARE)
    for engine in (client, next_client):
        for run in runs:
            add_tasks(engine, failed_now() | {"error_message": f"CODE_{run}"})
    for engine in (client, next_client):
        snapshot = snapshot_of(engine, now=now(), TASK_METRICS_TOP_ERRORS=len(runs))
        assert [2 for _ in runs] == [error.count for error in errors_of(snapshot)]


@pytest.fixture
def slow_host(engine: sa.Engine, pooled_url: sa.URL) -> Iterator[Flask]:
    """Yield a host whose tasks take a statement longer than it may."""
    add_tasks(engine, failed_now())
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE VIEW slow_tasks AS SELECT tasks.* FROM tasks, pg_sleep(1)"
        )
    app = create_host(
        pooled_url,
        TaskSource(SLOW_TASKS),
        SQLALCHEMY_ENGINE_OPTIONS=ENGINE_OPTIONS,
        TASK_METRICS_TIMEOUT_MS=500,
    )
    yield app
    dispose_engines(app)


def test_the_statement_timeout_strikes_and_does_not_outlast_the_snapshot(
    slow_host: Flask, next_client: sa.Engine
) -> None:
    before = server_session(next_client)
    assert TIMEOUT == problem(slow_host.test_client())
    assert before == server_session(next_client)
    with next_client.connect() as connection:
        assert 1 == connection.exec_driver_sql("SELECT count(*) FROM slow_tasks").scalar()


def test_no_connection_to_the_server_in_time_is_unavailable_until_one_is_free(
    pooled_url: sa.URL, next_client: sa.Engine
) -> None:
    app = create_host(pooled_url, SOURCE, SQLALCHEMY_ENGINE_OPTIONS=ENGINE_OPTIONS)
    with next_client.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        assert UNAVAILABLE == problem(app.test_client())
    assert 200 == app.test_client().get(PATH, headers=HEADERS).status_code
    dispose_engines(app)


def test_a_frozen_pgbouncer_is_unavailable_until_it_goes_on(
    pooled_url: sa.URL, pgbouncer: dict[str, str]
) -> None:
    settings = f"{pgbouncer['host']}/pgbouncer.ini"
    running = psutil.process_iter(["cmdline"])
    [process] = [one for one in running if settings in (one.info["cmdline"] or [])]
    app = create_host(
        pooled_url,
        SOURCE,
        SQLALCHEMY_ENGINE_OPTIONS=ENGINE_OPTIONS,
        TASK_METRICS_TIMEOUT_MS=2000,
    )
    client = app.test_client()
    assert 200 == client.get(PATH, headers=HEADERS).status_code
    process.suspend()
    try:
        assert UNAVAILABLE == problem(client)
    finally:
        process.resume()
    assert 200 == client.get(PATH, headers=HEADERS).status_code
    dispose_engines(app)
