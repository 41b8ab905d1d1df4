"""The command-line clients of the databases: `psql`, `mariadb` and `sqlite3`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import sqlalchemy as sa

from tests.support.databases import program


def run_in_client(url: sa.URL, sql: str) -> subprocess.CompletedProcess[str]:
    """Pipe SQL into the client of a database; it stops at the first error."""
    command = COMMANDS[url.get_backend_name()](url)
    return subprocess.run(command, input=sql, text=True, capture_output=True, check=False)


def _psql(url: sa.URL) -> list[str]:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return [
        program("psql", "postgresql-client"),
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        address,
    ]


def _mariadb(url: sa.URL) -> list[str]:
    options = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
    given = [f"--{name}={value}" for name, value in options.items() if value]
    return [program("mariadb", "mariadb-client"), "--no-defaults", *given, str(url.database)]


def _sqlite(url: sa.URL) -> list[str]:
    return [program("sqlite3", "sqlite3"), "-batch", "-bail", str(url.database)]


COMMANDS: dict[str, Callable[[sa.URL], list[str]]] = {
    "postgresql": _psql,
    "mariadb": _mariadb,
    "mysql": _mariadb,
    "sqlite": _sqlite,
}
