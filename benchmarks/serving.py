"""Serve a host over HTTP with gunicorn, and request snapshots from it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from tempfile import TemporaryFile

from click import ClickException

from .host import PATH, ROWS_VARIABLE, SECRET, URL_VARIABLE, Host

SECONDS_TO_ANSWER = 60
SECONDS_TO_END = 10

# All requests use one connection, which has to outlast the other contenders' turns.
COMMAND = (
    *("-m", "gunicorn", f"{__package__}.host:create_app()"),
    *("--worker-class", "gthread", "--keep-alive", "3600"),
)


@contextmanager
def served(host: Host) -> Iterator[Callable[[int], None]]:
    """Run a server, and yield a function that requests the snapshot of the last minutes.

    The function raises `ClickException` if the answer is not 200.
    """
    with (
        TemporaryFile("w+", encoding="utf-8") as log,
        _server(host, log.fileno()) as port,
        closing(HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_ANSWER)) as client,
    ):

        def request(minutes: int) -> None:
            try:
                _request(client, minutes)
            except (OSError, HTTPException) as error:
                log.seek(0)
                raise ClickException(f"gunicorn failed: {error!r}\n{log.read()}") from error

        yield request


def _request(client: HTTPConnection, minutes: int) -> None:
    client.request("GET", f"{PATH}?minutes={minutes}", headers={"X-Admin-Secret": SECRET})
    response = client.getresponse()
    body = response.read()
    if response.status != 200:
        raise ClickException(f"a request was answered with {response.status}: {body.decode()}")


@contextmanager
def _server(host: Host, log: int) -> Iterator[int]:
    """Run gunicorn on a free port, and yield the port."""
    url = host.engine.url.render_as_string(hide_password=False)
    environment = os.environ | {URL_VARIABLE: url, ROWS_VARIABLE: str(host.rows)}
    # gunicorn inherits a listening socket: the first request waits there until it is ready.
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        # gunicorn sets this too, but too late for a client that is already connected: each of
        # its answers would wait 40 ms for an acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = listening.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, *COMMAND, "--bind", f"fd://{listening.fileno()}"],
            env=environment,
            pass_fds=[listening.fileno()],
            stderr=log,
        )
    try:
        yield port
    finally:
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
