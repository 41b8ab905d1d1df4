"""MariaDB servers that the tests start: a primary, and a replica of it."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import create_server
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from tests.support.databases import program, run
from tests.support.waiting import wait_until

PACKAGE = "mariadb-server-core"
OPTIONS = ("--no-defaults", f"--user={getpass.getuser()}")

FOLLOW = """CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, MASTER_USER = 'root',
    MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos"""


class MariaDBServer:
    """A server that keeps its data in a folder."""

    def __init__(self, folder: str, *options: str) -> None:
        with create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.url = sa.make_url(f"mariadb+pymysql://root@127.0.0.1:{port}/mysql")
        # A server that starts removes the temporary tables of others from a folder that they share.
        self._folders = [f"--datadir={folder}/data", f"--tmpdir={folder}"]
        address = ("--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder}/socket")
        self._command = [program("mariadbd", PACKAGE), *OPTIONS, *self._folders, *address, *options]

    def install(self) -> None:
        """Create the system tables, with an administrator who has no password."""
        install = [program("mariadb-install-db", PACKAGE), *OPTIONS, *self._folders]
        authentication = "--auth-root-authentication-method=normal"
        subprocess.run([*install, authentication], check=True, capture_output=True)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self._process = subprocess.Popen(self._command)
        wait_until(self._answers)

    def stop(self) -> None:
        """Stop the server, and wait until it has ended."""
        self._process.terminate()
        self._process.wait()

    def _answers(self) -> bool:
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with suppress(OperationalError), engine.connect():
            return True
        return False


@contextmanager
def started_mariadb(*options: str) -> Iterator[MariaDBServer]:
    """Start a server, and remove it at the end."""
    with TemporaryDirectory() as folder:
        server = MariaDBServer(folder, *options)
        server.install()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def started_primary_and_replica() -> Iterator[tuple[MariaDBServer, MariaDBServer]]:
    """Start a primary and a read-only replica that follows it from its first transaction on."""
    with (
        started_mariadb("--server-id=1", "--log-bin=changes") as primary,
        started_mariadb("--server-id=2", "--read-only") as replica,
    ):
        engine = sa.create_engine(replica.url, poolclass=sa.NullPool)
        run(engine, FOLLOW.format(port=primary.url.port), "START SLAVE")
        yield primary, replica
