"""Whatever raises or takes its time, the host's pool has its connection back, and unharmed."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy import event

from tests.support.databases import on
from tests.support.host import HEADERS, PATH, engine_of
from tests.support.http import UNAVAILABLE, host_client, problem, queued

POOL = {"pool_size": 1, "max_overflow": 0, "poolclass": sa.QueuePool}


@pytest.fixture
def pooled(database_url: str) -> Iterator[FlaskClient]:
    """Yield a client of a host whose pool has one connection."""
    with host_client(database_url, SQLALCHEMY_ENGINE_OPTIONS=POOL) as client:
        yield client


@pytest.mark.parametrize("statement", ["SELECT 1", "FROM tasks", "ROLLBACK"])
def test_a_listener_that_raises_costs_no_connection(pooled: FlaskClient, statement: str) -> None:
    engine = engine_of(pooled.application)

    def refuse(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if statement in sql:
            raise PermissionError(sql)

    event.listen(engine, "before_cursor_execute", refuse)
    gc.disable()
    try:
        pooled.get(PATH, headers=HEADERS)
        assert 0 == checked_out(engine)
    finally:
        gc.enable()
    event.remove(engine, "before_cursor_execute", refuse)
    assert 1 == queued(pooled)


@on("sqlite", "mariadb", "mysql")
def test_an_error_is_not_hidden_by_one_of_the_restoring(
    pooled: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_of(pooled.application)

    def refuse(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if "FROM tasks" in sql or "ROLLBACK" in sql:
            raise PermissionError("tasks" if "FROM tasks" in sql else "rollback")

    event.listen(engine, "before_cursor_execute", refuse)
    assert 500 == pooled.get(PATH, headers=HEADERS).status_code
    event.remove(engine, "before_cursor_execute", refuse)
    assert "PermissionError: tasks" in caplog.text
    assert 1 == queued(pooled)


@on("postgresql", "mariadb", "mysql")
def test_a_connection_that_is_dropped_while_the_pool_resets_it_is_replaced(
    database_url: str,
) -> None:
    config = {"SQLALCHEMY_ENGINE_OPTIONS": POOL, "TASK_METRICS_TIMEOUT_MS": 1500}
    with host_client(database_url, **config) as client:
        engine = engine_of(client.application)
        release = Event()

        def take_time(driver: Any, record: Any, state: Any) -> None:
            release.wait(2.2)

        event.listen(engine.pool, "reset", take_time)
        client.get(PATH, headers=HEADERS)
        event.remove(engine.pool, "reset", take_time)
        with engine.connect() as connection:
            assert 1 == connection.exec_driver_sql("SELECT 1").scalar()


@on("postgresql", "mariadb", "mysql")
def test_a_system_without_descriptors_is_unavailable_until_it_has_some(
    pooled: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(os, "dup", refuse)
        assert UNAVAILABLE == problem(pooled)
    assert 0 == checked_out(engine_of(pooled.application))
    assert 1 == queued(pooled)


@on("postgresql", "mariadb", "mysql")
def test_a_process_that_has_gevent_is_watched_by_native_threads(
    pooled: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gevent.monkey", import_module("gevent.monkey"))
    assert 1 == queued(pooled)


@on("postgresql", "mariadb", "mysql")
def test_a_connection_that_is_back_in_the_pool_is_not_dropped(database_url: str) -> None:
    config = {"SQLALCHEMY_ENGINE_OPTIONS": POOL, "TASK_METRICS_TIMEOUT_MS": 1500}
    with host_client(database_url, **config) as client:
        engine = engine_of(client.application)

        @event.listens_for(engine, "checkin")
        def take_time(driver: Any, record: Any) -> None:
            Event().wait(2.2)

        assert 1 == queued(client)
        with engine.connect() as connection:
            assert 1 == connection.exec_driver_sql("SELECT 1").scalar()


def test_a_system_without_threads_is_unavailable_until_it_has_some(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with host_client(database_url, SQLALCHEMY_ENGINE_OPTIONS=POOL) as client:
        engine = engine_of(client.application)

        def refuse(_: Thread) -> None:
            raise RuntimeError("can't start new thread")

        with engine.connect(), monkeypatch.context() as patch:
            # SQLite checks out in the caller's thread, unless it has to wait.
            patch.setattr(Thread, "start", refuse)
            for _ in range(5):
                assert UNAVAILABLE == problem(client)
        assert 1 == queued(client)


def checked_out(engine: sa.Engine) -> int:
    assert isinstance(engine.pool, sa.QueuePool)
    return engine.pool.checkedout()


@on("mariadb", "mysql", "postgresql", "postgresql-by-url")
def test_a_pooled_connection_that_its_driver_has_closed_is_replaced(database_url: str) -> None:
    config = {"SQLALCHEMY_ENGINE_OPTIONS": POOL | {"pool_reset_on_return": None}}
    with host_client(database_url, **config) as client:
        with engine_of(client.application).connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.close()
        assert 1 == queued(client)
