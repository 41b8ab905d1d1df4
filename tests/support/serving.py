"""An app at a real port, served by a thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Quiet(WSGIRequestHandler):
    """Log nothing: the report of a failed test has lines enough."""

    def log(self, *_: Any) -> None:
        pass


@dataclass
class Server:
    """A server of an app. Its port stays the same when it goes and comes back."""

    app: WSGIApplication
    threaded: bool = True
    port: int = 0
    _running: tuple[BaseWSGIServer, Thread] | None = field(default=None, repr=False)

    def start(self) -> None:
        server = make_server(
            "127.0.0.1", self.port, self.app, threaded=self.threaded, request_handler=Quiet
        )
        self.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self._running = server, thread

    def stop(self) -> None:
        if self._running is not None:
            server, thread = self._running
            server.shutdown()
            thread.join()
            server.server_close()
            self._running = None

    def url(self, path: str = "", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def serving(app: WSGIApplication, *, threaded: bool = True) -> Iterator[Server]:
    """Serve an app while the block runs."""
    server = Server(app, threaded)
    server.start()
    try:
        yield server
    finally:
        server.stop()
