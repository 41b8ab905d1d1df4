"""Fixtures: a database of its own for each test, on every server, and a host app that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from .databases import (
    SERVERS,
    created_database,
    started_postgresql,
    url_from_environment,
    url_of,
)
from .host import Base, create_host, dispose_engines


@pytest.fixture(scope="session")
def postgresql() -> Iterator[sa.URL]:
    """A PostgreSQL server that all tests share."""
    with started_postgresql() as server:
        yield url_of(server)


@pytest.fixture(params=SERVERS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new, empty database, on each of the servers."""
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
    """An engine of the test's own on that database, which has the host's empty task table."""
    engine = sa.create_engine(database_url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def app(engine: sa.Engine, database_url: str) -> Iterator[Flask]:
    """A host on that database, with the package mounted as the README says."""
    app = create_host(database_url)
    yield app
    dispose_engines(app)
