"""The snapshot over HTTP, as a client sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.host import (
    HEADERS,
    PATH,
    SOURCE,
    Base,
    add_tasks,
    current_utc,
    engine_of,
    hosted,
)

UNAVAILABLE = (503, "METRICS_UNAVAILABLE", "5")
TIMEOUT = (503, "METRICS_TIMEOUT", "5")
BUSY = (503, "METRICS_BUSY", "5")
ERROR = (500, "METRICS_ERROR", None)

OUT_OF_RANGE = "Must be greater than or equal to 1 and less than or equal to 1440."


@contextmanager
def host_client(url: str | sa.URL, source: Any = SOURCE, **config: Any) -> Iterator[FlaskClient]:
    """Yield a client of a host on a database that has one task, new in the queue."""
    with hosted(url, source, **config) as app:
        Base.metadata.create_all(engine_of(app))
        now = current_utc()
        add_tasks(engine_of(app), {"status": "queued", "created_at": now, "updated_at": now})
        yield app.test_client()


def problem(client: FlaskClient) -> tuple[int, str, str | None]:
    """Ask for a snapshot, and return the status, code and Retry-After of the error."""
    response = client.get(PATH, headers=HEADERS)
    return response.status_code, response.get_json()["code"], response.headers.get("Retry-After")


def queued(client: FlaskClient) -> int:
    """Ask for a snapshot, and return its number of queued tasks."""
    tasks: dict[str, int] = client.get(PATH, headers=HEADERS).get_json()["tasks"]
    return tasks["queued"]


def body_of(answer: TestResponse) -> dict[str, Any]:
    """Return the JSON of an answer."""
    body: dict[str, Any] = json.loads(answer.data)
    return body


def get_snapshot(client: FlaskClient, query: str = "", path: str = PATH) -> TestResponse:
    """Ask for a snapshot, or for another endpoint."""
    return client.get(path, query_string=query, headers=HEADERS)


def fail_snapshot(client: FlaskClient, engine: sa.Engine, path: str = PATH) -> TestResponse:
    """Drop the table, and ask for a snapshot, or for another endpoint."""
    Base.metadata.drop_all(engine)
    return get_snapshot(client, path=path)
