"""The example backend: its app, its tasks, and its processes from outside."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from threading import Thread
from typing import Any

import sqlalchemy as sa
from flask import Flask

from example_app import create_app
from example_app.demo.processes import Backend
from example_app.models import VideoTask, db
from example_app.shutdown import Shutdown
from tests.support import host
from tests.support.host import SECRET

TASK = {"engine": "cinema-1", "prompt": "A lighthouse in a storm"}
NOW = host.NOW.replace(tzinfo=None)
"""A moment as the naive columns hold it."""

AT_ONCE = 1e9
"""A worker's speed at which a task takes no time."""


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def app_on(database_url: str) -> Flask:
    """Create the app on a database, which may lack its table."""
    return create_app(
        {"SQLALCHEMY_DATABASE_URI": database_url, "TASK_METRICS_ADMIN_SECRET": SECRET}
    )


def init_db(database_url: str) -> Flask:
    """Create the app on a database, and its table by the command that makes it."""
    app = app_on(database_url)
    app.test_cli_runner().invoke(args=["init-db"], catch_exceptions=False)
    with app.app_context():
        db.engine.dispose()
    return app


def add_tasks(count: int = 1) -> list[int]:
    """Insert queued tasks, and return their ids."""
    added = [VideoTask(**TASK, request_id=f"req-{number}") for number in range(count)]
    db.session.add_all(added)
    db.session.commit()
    return [task.id for task in added]


def statuses() -> dict[str, int]:
    """Count the tasks of each status, in a transaction of its own."""
    with db.engine.connect() as connection:
        return Counter(connection.scalars(sa.select(VideoTask.status)))


@contextmanager
def in_background(work: Callable[[Shutdown], None]) -> Iterator[None]:
    """Run work in a thread while the block runs, and shut it down at its end."""
    shutdown = Shutdown()
    thread = Thread(target=work, args=(shutdown,))
    thread.start()
    try:
        yield
    finally:
        shutdown.request()
        thread.join()


def http_get(port: int, path: str, **headers: str) -> tuple[int, Any]:
    """Return the status and the JSON of an answer."""
    return http_request(port, "GET", path, **headers)


def http_request(port: int, method: str, path: str, **headers: str) -> tuple[int, Any]:
    """Return the status and the JSON of an answer."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=90)) as connection:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, json.load(response)


def total_tasks(server: Backend) -> int:
    """Ask a server for the number of its tasks."""
    total: int = http_get(server.address.port, "/api/video-tasks")[1]["total"]
    return total
