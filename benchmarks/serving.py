"""Whole requests over HTTP, to a gunicorn of the benchmark's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from tempfile import TemporaryFile
from typing import IO

import sqlalchemy as sa

from .exceptions import BenchmarkError
from .goals import HTTP
from .host import PATH, ROWS_VARIABLE, SECRET, URL_VARIABLE
from .progress import Advance
from .results import Timing

WARM_UP_REQUESTS = 5
SECONDS_TO_ANSWER = 60
SECONDS_TO_END = 10

# A worker of gunicorn's default class closes each connection after its answer.
COMMAND = ("-m", "gunicorn", f"{__package__}.host:create_app()", "--worker-class", "gthread")


def measure_requests(
    engine: sa.Engine, rows: int, minutes: int, requests: int, advance: Advance
) -> Timing:
    """Time so many requests, one after the other over one connection.

    Raises `BenchmarkError` where the server does not answer them with 200.
    """
    with _server(engine, rows) as (port, log):
        try:
            with closing(HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_ANSWER)) as client:
                for _ in range(WARM_UP_REQUESTS):
                    _request(client, minutes)
                times = []
                for _ in range(requests):
                    times.append(_request(client, minutes))
                    advance(f"{HTTP}, {minutes} min in {rows:,} rows")
        except (OSError, HTTPException) as error:
            log.seek(0)
            raise BenchmarkError(f"gunicorn gave no answer: {error!r}\n{log.read()}") from error
    return Timing(HTTP, minutes, rows, times)


def _request(client: HTTPConnection, minutes: int) -> float:
    began = time.perf_counter()
    client.request("GET", f"{PATH}?minutes={minutes}", headers={"X-Admin-Secret": SECRET})
    response = client.getresponse()
    body = response.read()
    took = (time.perf_counter() - began) * 1000
    if response.status != 200:
        raise BenchmarkError(f"a request was answered with {response.status}: {body.decode()}")
    return round(took, 3)


@contextmanager
def _server(engine: sa.Engine, rows: int) -> Iterator[tuple[int, IO[str]]]:
    """The port of a server and its log, until the end of the context."""
    own = {
        URL_VARIABLE: engine.url.render_as_string(hide_password=False),
        ROWS_VARIABLE: str(rows),
    }
    with TemporaryFile("w+", encoding="utf-8") as log:
        # The server gets a socket that listens already, so a client's first request waits in it
        # until the server is ready.
        with closing(socket.create_server(("127.0.0.1", 0))) as listening:
            # gunicorn sets it too, but too late for a client that waits already, and then the end
            # of each answer waits for 40 ms for the client's word that it has the beginning.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            port = listening.getsockname()[1]
            server = subprocess.Popen(
                [sys.executable, *COMMAND, "--bind", f"fd://{listening.fileno()}"],
                env=os.environ | own,
                pass_fds=[listening.fileno()],
                stderr=log,
            )
        try:
            yield port, log
        finally:
            _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
