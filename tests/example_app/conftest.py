"""Fixtures: the example's app, on a database or under gunicorn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app.demo.processes import Address, Backend
from example_app.models import db
from example_app.shutdown import Shutdown
from tests.support.example import free_port, init_db


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of an SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'video-tasks.db'}"


@pytest.fixture
def client(sqlite_url: str) -> Iterator[FlaskClient]:
    """Create the app on SQLite, and yield a client."""
    app = init_db(sqlite_url)
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def tasks(database_url: str) -> Iterator[Flask]:
    """Enter the app's context, on a new database of each kind."""
    app = init_db(database_url)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Start the example under gunicorn, without a worker."""
    folder = tmp_path_factory.mktemp("server")
    address = Address("127.0.0.1", free_port())
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{folder / 'video-tasks.db'}"}
    init_db(environment["DATABASE_URL"])
    with Backend(address, environment, folder / "backend.log") as backend:
        backend.start_server()
        backend.wait_until_ready(Shutdown())
        yield backend


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Name a free port in PORT."""
    port = free_port()
    monkeypatch.setenv("PORT", str(port))
    monkeypatch.delenv("HOST", raising=False)
    return port
