"""A site: gunicorn with a host, a database server of the tests' own, and a relay between them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from example_app.demo.processes import Address, Backend
from tests.support.databases import created_database, run
from tests.support.example import free_port, http_request
from tests.support.host import HEADERS, PATH, Base, add_tasks, current_utc
from tests.support.relay import Relay, relay_to
from tests.support.servers import Server
from tests.support.waiting import wait_until

OPTIONS = {
    # With several threads gunicorn would make it gthread.
    "sync": ["--worker-class=sync", "--threads=1"],
    # Two more threads than snapshots of a host may hold.
    "gthread": ["--worker-class=gthread", "--threads=12"],
    "gevent": ["--worker-class=gevent"],
}
"""gunicorn's options for each class of workers."""

RIGHT = (200, 1)
"""The answer of a site: its database has one task in the queue."""

CREATE_USER = {
    "postgresql": ["CREATE ROLE host LOGIN", "GRANT pg_read_all_data TO host"],
    "mariadb": ["CREATE USER host", "GRANT SELECT ON tasks TO host"],
}

DROP_USER = {"postgresql": "DROP ROLE host", "mariadb": "DROP USER host"}

SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE usename = 'host'",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE user = 'host'",
}
"""All sessions of the host."""

AT_WORK = {
    "postgresql": """SELECT count(*) FROM pg_stat_activity
        WHERE usename = 'host' AND state <> 'idle'""",
    "mariadb": """SELECT count(*) FROM information_schema.processlist
        LEFT JOIN information_schema.innodb_trx ON trx_mysql_thread_id = id
        WHERE user = 'host' AND (command <> 'Sleep' OR trx_id IS NOT NULL)""",
}
"""Sessions of the host that run a statement or are in a transaction."""

WAITING = {
    "postgresql": """SELECT count(*) FROM pg_stat_activity
        WHERE usename = 'host' AND wait_event_type = 'Lock'""",
    "mariadb": """SELECT count(*) FROM information_schema.processlist
        WHERE user = 'host' AND state LIKE 'Waiting for table%%'""",
}
"""Sessions of the host that wait for a lock of the tasks."""


@dataclass(frozen=True)
class Site:
    """The parts of a site. `admin` reaches the database directly."""

    server: Server
    admin: sa.Engine
    relay: Relay
    port: int

    def snapshot(self, minutes: int = 60, *, host: str = "") -> tuple[int, int | str]:
        """Ask for a snapshot, and return its number of queued tasks, or the code of the error."""
        return snapshot_at(self.port, f"{host}{PATH}?minutes={minutes}")

    def process(self, host: str = "") -> dict[str, int]:
        """Ask a route that needs no database for the process that serves it."""
        process: dict[str, int] = self.request("GET", f"{host}/process")[1]
        return process

    def request(self, method: str, path: str) -> tuple[int, Any]:
        """Return the status and the JSON of an answer."""
        return http_request(self.port, method, path, **HEADERS)

    def count(self, sessions: dict[str, str]) -> int:
        """Count sessions of the host in the server."""
        with self.admin.connect() as connection:
            statement = sessions[connection.dialect.name]
            return int(connection.exec_driver_sql(statement).scalar_one())

    def run(self, statements: dict[str, str]) -> None:
        """Run a statement as the administrator."""
        run(self.admin, statements[self.admin.dialect.name])

    def reconnect(self) -> None:
        """Close all connections of the hosts' pools, so that the next snapshot needs a new one."""
        self.relay.cut()
        self.relay.restore()

    def check_recovered(self) -> None:
        """Check that the next snapshot is right, and that nothing of those before is left."""
        assert RIGHT == self.snapshot()
        wait_until(lambda: self.count(AT_WORK) == 0)
        wait_until(lambda: self.process()["checkedOut"] == 0)


def snapshot_at(port: int, path: str = PATH) -> tuple[int, int | str]:
    """Ask for a snapshot, and return its number of queued tasks, or the code of the error."""
    status, body = http_request(port, "GET", path, **HEADERS)
    return status, body["tasks"]["queued"] if status == 200 else body["code"]


@contextmanager
def started_site(server: Server, worker_class: str, log: Path) -> Iterator[Site]:
    """Start a site on a new database of a server."""
    with (
        created_database(server.url) as url,
        prepared_database(url) as admin,
        relay_to(url.set(username="host")) as (relay, relayed),
        started_gunicorn(relayed, worker_class, log) as port,
    ):
        yield Site(server, admin, relay, port)


@contextmanager
def prepared_database(url: sa.URL) -> Iterator[sa.Engine]:
    """Create the tasks, one in the queue, and the user who reads them; drop the user at the end."""
    admin = sa.create_engine(url, poolclass=sa.NullPool)
    create_tasks(admin)
    run(admin, *CREATE_USER[admin.dialect.name])
    try:
        yield admin
    finally:
        run(admin, DROP_USER[admin.dialect.name])


def create_tasks(engine: sa.Engine) -> None:
    """Create the table of tasks, with one task, new in the queue."""
    Base.metadata.create_all(engine)
    now = current_utc()
    add_tasks(engine, {"status": "queued", "created_at": now, "updated_at": now})


@contextmanager
def started_gunicorn(url: sa.URL, worker_class: str, log: Path) -> Iterator[int]:
    """Serve the hosts on a database by one worker of gunicorn, and yield the port."""
    address = Address("127.0.0.1", free_port())
    environment = os.environ | {"DATABASE_URL": url.render_as_string(hide_password=False)}
    with Backend(address, environment, log) as backend:
        backend.start_server(
            *OPTIONS[worker_class], "--workers=1", "tests.support.served:create_app()"
        )
        wait_until(lambda: _is_serving(backend))
        yield address.port


def _is_serving(backend: Backend) -> bool:
    backend.check()
    with suppress(ConnectionRefusedError):
        return http_request(backend.address.port, "GET", "/process")[0] == 200
    return False
