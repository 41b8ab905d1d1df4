"""PgBouncer in transaction mode, in front of a PostgreSQL server that the tests started."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from .databases import missing, wait_until

SETTINGS = """\
[databases]
* = host={server}

[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = 1
query_wait_timeout = 3
"""
"""All clients of a database share one connection to the server, and wait three seconds for it."""


@contextmanager
def started_pgbouncer(server: sa.URL) -> Iterator[dict[str, str]]:
    """PgBouncer before a server that is reached by a socket: the query of a URL that leads through
    it.
    """
    socket = str(server.query["host"])
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "users.txt").write_text('"postgres" ""\n')
        (folder / "pgbouncer.ini").write_text(SETTINGS.format(server=socket, folder=folder))
        # Like the server, it refuses to be run by root.
        user = Path(socket).owner()
        shutil.chown(folder, user)
        process = subprocess.Popen([_program(), folder / "pgbouncer.ini"], user=user)
        query = {"host": name, "port": "6432"}
        try:
            wait_until(lambda: _answers(server.set(query=query)))
            yield query
        finally:
            process.kill()
            process.wait()


def _program() -> str:
    # Debian installs it where the path of a user who is not root does not lead.
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("no pgbouncer: install it, for example with apt-get install pgbouncer")
    return program


def _answers(url: sa.URL) -> bool:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with suppress(OperationalError), engine.connect():
        return True
    return False
