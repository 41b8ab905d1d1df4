"""PgBouncer in transaction mode, in front of a PostgreSQL server that the tests started."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from tests.support.databases import program
from tests.support.servers import is_answering
from tests.support.waiting import wait_until

SETTINGS = {
    "listen_addr": "",
    "listen_port": 6432,
    "auth_type": "trust",
    "pool_mode": "transaction",
    "default_pool_size": 1,
    "query_wait_timeout": 3,
}
"""All clients of a database share one connection to the server, and wait three seconds for it."""


@contextmanager
def started_pgbouncer(server: sa.URL, **settings: object) -> Iterator[dict[str, str]]:
    """Start PgBouncer before a server on a socket, and yield the query of a URL through it.

    It has `settings` beside `SETTINGS`, or in their place.
    """
    socket = str(server.query["host"])
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "users.txt").write_text('"postgres" ""\n')
        folders = {"unix_socket_dir": folder, "auth_file": folder / "users.txt"}
        used = SETTINGS | folders | settings
        lines = "".join(f"{name} = {value}\n" for name, value in used.items())
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={socket}\n[pgbouncer]\n{lines}"
        )
        # Like the server, it refuses to be run by root.
        user = Path(socket).owner()
        shutil.chown(folder, user)
        process = subprocess.Popen(
            [program("pgbouncer", "pgbouncer"), folder / "pgbouncer.ini"], user=user
        )
        query = {"host": name, "port": str(used["listen_port"])}
        try:
            wait_until(lambda: is_answering(server.set(query=query)))
            yield query
        finally:
            process.kill()
            process.wait()
