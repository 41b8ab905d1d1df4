"""A TCP relay that stands before a server, and can be cut."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread


class Relay:
    """Passes every connection to its port on to a server, until it is cut; for a client that is as
    good as a server that stops.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._serve()

    def cut(self) -> None:
        """Close every connection, and refuse new ones."""
        for connection in (self._listener, *self._connections):
            _close(connection)
        self._connections.clear()

    def restore(self) -> None:
        """Take connections again, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._serve()

    def _serve(self) -> None:
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
                self._connections += (client, server)
                for source, sink in ((client, server), (server, client)):
                    Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while received := source.recv(65536):
            sink.sendall(received)
    _close(source)
    _close(sink)


def _close(connection: socket.socket) -> None:
    # A socket that another thread waits on is only woken by a shutdown.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
