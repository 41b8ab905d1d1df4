"""A database that does not answer holds nobody beyond the deadline.

Nothing here heals before the answer is there, so an answer that waits for the database never comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from flask_task_metrics import TaskSource
from tests.support.databases import on, started_postgresql, url_of
from tests.support.disturbances import SHOWN_TASKS, show_tasks
from tests.support.host import engine_of
from tests.support.http import TIMEOUT, UNAVAILABLE, host_client, problem, queued
from tests.support.relay import Relay, relay_to, silenced_at_first_figure
from tests.support.servers import PostgreSQL
from tests.support.waiting import wait_until

on_network = on("mariadb", "mysql", "postgresql-by-url")

SHORT = {"TASK_METRICS_TIMEOUT_MS": 2000}

ENDLESS = {
    "postgresql": "SELECT tasks.* FROM tasks, pg_sleep(0.7)",
    "mariadb": "SELECT * FROM tasks WHERE SLEEP(0.7) = 0",
    "mysql": "SELECT * FROM tasks WHERE SLEEP(0.7) = 0",
}

SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE()",
}


@contextmanager
def relayed_client(url: str, **config: Any) -> Iterator[tuple[Relay, FlaskClient]]:
    """Yield a client of a host that reaches its database through a relay."""
    with relay_to(url) as (relay, relayed), host_client(relayed, **SHORT | config) as client:
        yield relay, client


@on_network
def test_a_pooled_connection_that_has_fallen_silent_is_replaced(database_url: str) -> None:
    with relayed_client(database_url, TASK_METRICS_TIMEOUT_MS=10_000) as (relay, client):
        assert 1 == queued(client)
        relay.silence(new_connections=True)
        assert 1 == queued(client)


@on_network
def test_a_silent_network_is_unavailable_until_it_has_healed(database_url: str) -> None:
    with relayed_client(database_url) as (relay, client):
        assert 1 == queued(client)
        relay.silence(new_connections=False)
        assert UNAVAILABLE == problem(client)
        assert UNAVAILABLE == problem(client)
        relay.heal()
        assert 1 == queued(client)


@on_network
def test_checkouts_that_hang_take_no_more_than_a_few_places_of_the_hosts_pool(
    database_url: str,
) -> None:
    with relayed_client(database_url, TASK_METRICS_TIMEOUT_MS=100) as (relay, client):
        relay.silence(new_connections=False)
        for _ in range(8):
            assert UNAVAILABLE == problem(client)
        pool = engine_of(client.application).pool
        assert isinstance(pool, sa.QueuePool)
        assert 4 >= pool.checkedout()
        relay.heal()
        wait_until(lambda: pool.checkedout() == 0)


@on_network
def test_a_network_that_falls_silent_in_a_statement_is_a_timeout(database_url: str) -> None:
    with relayed_client(database_url) as (relay, client):
        with silenced_at_first_figure(relay, engine_of(client.application)):
            assert TIMEOUT == problem(client)
        relay.heal()
        assert 1 == queued(client)


@on_network
def test_a_network_that_falls_silent_leaves_no_session_behind(database_url: str) -> None:
    with relayed_client(database_url) as (relay, client):
        with silenced_at_first_figure(relay, engine_of(client.application)):
            assert TIMEOUT == problem(client)
        # The server ends the session by itself, though it never hears that the client has gone.
        with sa.create_engine(database_url, poolclass=sa.NullPool).connect() as connection:
            sessions = sa.text(SESSIONS[connection.dialect.name])
            connection.execution_options(isolation_level="AUTOCOMMIT")
            wait_until(lambda: connection.scalar(sessions) == 1)


@on_network
def test_the_deadline_is_for_all_statements_together(database_url: str) -> None:
    with host_client(database_url, TaskSource(SHOWN_TASKS), **SHORT) as client:
        show_tasks(database_url, ENDLESS[engine_of(client.application).dialect.name])
        assert TIMEOUT == problem(client)
        show_tasks(database_url, "SELECT * FROM tasks")
        assert 1 == queued(client)


def test_an_exhausted_pool_is_unavailable_at_the_deadline(database_url: str) -> None:
    pool = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 3600, "poolclass": sa.QueuePool}
    with host_client(database_url, **SHORT, SQLALCHEMY_ENGINE_OPTIONS=pool) as client:
        with engine_of(client.application).connect():
            assert UNAVAILABLE == problem(client)
        assert 1 == queued(client)


@pytest.mark.database("postgresql")
def test_a_frozen_server_is_unavailable_until_it_goes_on() -> None:
    with started_postgresql() as server, host_client(url_of(server), **SHORT) as client:
        assert 1 == queued(client)
        with PostgreSQL(server).frozen():
            assert UNAVAILABLE == problem(client)
        assert 1 == queued(client)
