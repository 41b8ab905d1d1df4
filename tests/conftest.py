"""Fixtures: a database of its own for each test, on every server, and a host app that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.databases import (
    SERVERS,
    created_database,
    started_postgresql,
    url_from_environment,
    url_of,
)
from tests.support.host import SECRET, Base, add_tasks, create_host, dispose_engines
from tests.support.two_databases import MAIN, REPLICA, UNPOOLED


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--db",
        action="append",
        choices=SERVERS,
        help="run only the tests of this database, and those that need none; may be repeated",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = set(config.getoption("--db") or SERVERS)
    config.hook.pytest_deselected(items=[i for i in items if not databases_of(i) <= chosen])
    items[:] = [item for item in items if databases_of(item) <= chosen]


def databases_of(item: pytest.Item) -> set[str]:
    """Return the databases that a test needs: its parameter, and those of its `database` marks."""
    parameters: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    marked = (name for mark in item.iter_markers("database") for name in mark.args)
    own = {parameters["database_url"]} if "database_url" in parameters else set()
    return own.union(marked)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[sa.URL]:
    """Start the PostgreSQL server that all tests share."""
    with started_postgresql() as server:
        yield url_of(server)


@pytest.fixture(params=SERVERS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Create an empty database on each of the servers, and yield its URL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'tasks.db'}"
        return
    private = request.param == "postgresql"
    server = (
        request.getfixturevalue("postgresql") if private else url_from_environment(request.param)
    )
    with created_database(server) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """Create the empty task table in that database, and yield an engine."""
    engine = sa.create_engine(database_url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def app(engine: sa.Engine, database_url: str) -> Iterator[Flask]:
    """Create a host on that database, with the package mounted as the README says."""
    app = create_host(database_url)
    yield app
    dispose_engines(app)


@pytest.fixture
def two_database_config(tmp_path: Path) -> dict[str, Any]:
    """Return the configuration of a host that has two databases."""
    urls = {name: f"sqlite:///{tmp_path / name}.db" for name in ("main", "replica")}
    for url, tasks in ((urls["main"], MAIN), (urls["replica"], REPLICA)):
        engine = sa.create_engine(url, **UNPOOLED)
        Base.metadata.create_all(engine)
        add_tasks(engine, *[{"status": "queued"}] * tasks)
    return {
        "SQLALCHEMY_DATABASE_URI": urls["main"],
        "SQLALCHEMY_BINDS": {"replica": urls["replica"]},
        "SQLALCHEMY_ENGINES": {"default": urls["main"], "replica": urls["replica"]},
        "TASK_METRICS_ADMIN_SECRET": SECRET,
    }


@pytest.fixture
def metric_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Capture what the package logs from level INFO on."""
    caplog.set_level("INFO", "flask_task_metrics")
    return caplog
