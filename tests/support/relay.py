"""A TCP relay that stands before a server, and can be cut or fall silent."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Thread
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event


class Relay:
    """Forwards every connection on its port to a server, until it is cut or silenced.

    To a client, a relay that is cut looks like a server that has stopped, and a silent one like a
    network that loses every packet.
    """

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._connections: list[socket.socket] = []
        self._flow = Event()
        self._flow.set()
        self._silenced: list[Event] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._serve()

    def cut(self) -> None:
        """Close every connection, and refuse new ones."""
        for connection in (self._listener, *self._connections):
            _close(connection)
        self._connections.clear()
        self.heal()

    def restore(self) -> None:
        """Take connections again, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._serve()

    def silence(self, *, new_connections: bool) -> None:
        """Forward nothing on the connections that there are, and on new ones only if told so."""
        self._flow.clear()
        self._silenced.append(self._flow)
        if new_connections:
            self._flow = Event()
            self._flow.set()

    def heal(self) -> None:
        """Forward everything again, also what was sent meanwhile."""
        for flow in self._silenced:
            flow.set()
        self._silenced.clear()

    def _serve(self) -> None:
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                self._forward(listener.accept()[0])

    def _forward(self, client: socket.socket) -> None:
        try:
            server = self._connect()
        except OSError:
            client.close()
            return
        self._connections += (client, server)
        for source, sink in ((client, server), (server, client)):
            Thread(target=_pump, args=(source, sink, self._flow), daemon=True).start()


@contextmanager
def relay_to(url: str | sa.URL) -> Iterator[tuple[Relay, sa.URL]]:
    """Start a relay to the server of a URL, and yield it with the URL that leads through it."""
    server = sa.make_url(url)
    relay = Relay(partial(_connect, server))
    try:
        yield relay, server.set(host="127.0.0.1", port=relay.port, query={})
    finally:
        relay.cut()


@contextmanager
def silenced_at_first_figure(relay: Relay, engine: sa.Engine) -> Iterator[None]:
    """Silence a relay when a host is about to send its first statement about tasks."""

    def silence(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM tasks" in statement:
            relay.silence(new_connections=False)

    event.listen(engine, "before_cursor_execute", silence)
    yield
    event.remove(engine, "before_cursor_execute", silence)


def _connect(url: sa.URL) -> socket.socket:
    if folder := url.query.get("host"):
        return _connect_to_socket(f"{folder}/.s.PGSQL.5432")
    port = url.port or {"postgresql": 5432}.get(url.get_backend_name(), 3306)
    return socket.create_connection((url.host or "127.0.0.1", port))


def _connect_to_socket(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _pump(source: socket.socket, sink: socket.socket, flow: Event) -> None:
    with suppress(OSError):
        while received := source.recv(65536):
            flow.wait()
            sink.sendall(received)
    # A network that loses every packet loses the last one too.
    flow.wait()
    _close(source)
    _close(sink)


def _close(connection: socket.socket) -> None:
    # A socket that another thread waits on is only woken by a shutdown.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
