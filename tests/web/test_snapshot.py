"""The body of a snapshot: its keys, their order and types."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from flask_task_metrics import TaskSource
from tests.support.databases import on
from tests.support.host import HEADERS, PATH, SOURCE, Task, add_tasks, current_utc
from tests.support.http import body_of, get_snapshot, host_client

pytestmark = on("sqlite")

COUNTS = ("created", "completed", "failed", "cancelled", "processing", "queued")
LATENCY = [(name, int) for name in ("p50", "p95", "p99", "max", "avg", "samples")]
TASK = [("taskId", str), ("requestId", str)]
BACKLOG = [("count", int), ("oldestAgeSeconds", int), ("oldest", TASK)]

LAYOUT: list[Any] = [
    ("window", [("minutes", int), ("from", str), ("to", str)]),
    ("requestId", str),
    ("state", str),
    ("reason", str),
    ("tasks", [(name, int) for name in COUNTS]),
    ("backlog", [("queued", BACKLOG), ("processing", BACKLOG)]),
    (
        "latency",
        [("timeToProcessingMs", LATENCY), ("timeToCompleteMs", LATENCY), ("endToEndMs", LATENCY)],
    ),
    (
        "topErrors",
        [[("code", str), ("count", int), ("lastSeenAt", str), ("sample", TASK)]],
    ),
]


COMPARED = [
    *LAYOUT[:-1],
    (
        "topErrors",
        [
            [
                *LAYOUT[-1][1][0],
                ("previousCount", int),
                ("firstSeenAt", str),
            ]
        ],
    ),
    (
        "previous",
        [
            *((name, int) for name in ("created", "completed", "failed", "cancelled")),
            *(part for part in LAYOUT if part[0] == "latency"),
        ],
    ),
]


def layout(value: Any) -> Any:
    """The keys of a JSON value in their order, each with the type or layout of what it holds."""
    if isinstance(value, dict):
        return [(key, layout(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [layout(inner) for inner in value]
    return type(value)


@pytest.fixture
def tasks(engine: sa.Engine) -> None:
    """Return a task of every kind that the answer tells of."""
    moments = [current_utc() - timedelta(seconds=seconds) for seconds in (30, 20, 10)]
    created, processing, completed = moments
    done = {
        "status": "completed",
        "created_at": created,
        "processing_at": processing,
        "completed_at": completed,
        "updated_at": completed,
    }
    failed = {
        "status": "failed",
        "updated_at": completed,
        "error_message": "ENGINE_TIMEOUT: no answer",
        "request_id": "req_that_created_it",
    }
    running = {
        "status": "processing",
        "processing_at": processing,
        "updated_at": processing,
        "request_id": "req_3",
    }
    waiting = {
        "status": "queued",
        "created_at": created,
        "updated_at": created,
        "request_id": "req_4",
    }
    add_tasks(engine, done, failed, running, waiting)


@pytest.mark.usefixtures("tasks")
def test_keys_come_in_the_order_of_the_contract_with_values_of_its_types(
    client: FlaskClient,
) -> None:
    assert LAYOUT == layout(body_of(get_snapshot(client)))


@pytest.mark.usefixtures("tasks")
def test_a_comparison_adds_its_keys_at_the_end(
    app: Flask, engine: sa.Engine, metric_log: pytest.LogCaptureFixture
) -> None:
    with engine.begin() as connection:
        tasks = connection.execute(sa.select(Task.__table__)).mappings().all()
    hour = timedelta(hours=1)
    for task in tasks:
        earlier = {
            name: value - hour if isinstance(value, datetime) else value
            for name, value in task.items()
        }
        add_tasks(engine, earlier | {"id": None})
    answer = body_of(get_snapshot(app.test_client(), "compare=previous"))

    assert COMPARED == layout(answer)
    [error] = answer["topErrors"]
    assert (1, 1) == (error["count"], error["previousCount"])
    assert error["firstSeenAt"] < answer["window"]["from"] < error["lastSeenAt"]
    assert "minutes=60 compare=previous created=" in metric_log.messages[0]


@pytest.mark.usefixtures("tasks")
def test_the_source_comes_behind_the_request_id_if_there_are_several(database_url: str) -> None:
    with host_client(database_url, {"videos": SOURCE, "imports": SOURCE}) as client:
        body = body_of(get_snapshot(client))

    assert [*LAYOUT[:2], ("source", str), *LAYOUT[2:]] == layout(body)


@pytest.mark.parametrize("query", ["", "source=videos", "source=imports"])
def test_the_source_is_the_one_asked_for_or_else_the_first(
    database_url: str, metric_log: pytest.LogCaptureFixture, query: str
) -> None:
    nothing_queued = TaskSource(Task, statuses={"queued": ()})
    with host_client(database_url, {"videos": SOURCE, "imports": nothing_queued}) as client:
        body = body_of(get_snapshot(client, query))

    name = query.removeprefix("source=") or "videos"
    assert (name, {"videos": 1, "imports": 0}[name]) == (body["source"], body["tasks"]["queued"])
    line = metric_log.messages[-2]
    assert f"metrics.snapshot requestId={body['requestId']} source={name} minutes=60 " in line


@pytest.mark.usefixtures("tasks")
def test_a_source_alone_is_answered_as_one_without_a_name(
    database_url: str, metric_log: pytest.LogCaptureFixture
) -> None:
    with host_client(database_url, {"videos": SOURCE}) as client:
        body = body_of(get_snapshot(client))

    assert LAYOUT == layout(body)
    assert [] == [message for message in metric_log.messages if "source=" in message]


@pytest.mark.parametrize("figure", ["timeToProcessingMs", "timeToCompleteMs", "endToEndMs"])
def test_a_latency_without_samples_is_null(client: FlaskClient, figure: str) -> None:
    nothing = {"p50": None, "p95": None, "p99": None, "max": None, "avg": None, "samples": 0}

    assert nothing == body_of(get_snapshot(client))["latency"][figure]


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_an_empty_backlog_has_no_oldest(client: FlaskClient, status: str) -> None:
    empty = {"count": 0, "oldestAgeSeconds": None, "oldest": None}

    assert empty == body_of(get_snapshot(client))["backlog"][status]


@pytest.mark.parametrize("end", ["from", "to"])
def test_the_window_is_in_whole_utc_seconds_with_z(client: FlaskClient, end: str) -> None:
    moment = body_of(get_snapshot(client))["window"][end]

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment)


@pytest.mark.usefixtures("tasks")
def test_an_error_was_last_seen_at_a_whole_utc_second_with_z(client: FlaskClient) -> None:
    seen = body_of(get_snapshot(client))["topErrors"][0]["lastSeenAt"]

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", seen)


@pytest.mark.usefixtures("tasks")
def test_an_error_leads_to_the_request_that_created_its_task(client: FlaskClient) -> None:
    sample = body_of(get_snapshot(client))["topErrors"][0]["sample"]

    assert {"taskId": "2", "requestId": "req_that_created_it"} == sample


@pytest.mark.parametrize(
    ("query", "minutes"),
    [("", 60), ("minutes=1", 1), ("minutes=060", 60), ("minutes=1440", 1440)],
)
def test_the_window_is_as_many_minutes_as_the_query_says(
    client: FlaskClient, query: str, minutes: int
) -> None:
    window = body_of(get_snapshot(client, query))["window"]
    start, end = (datetime.fromisoformat(window[key].rstrip("Z")) for key in ("from", "to"))

    assert (minutes, timedelta(minutes=minutes)) == (window["minutes"], end - start)


def test_the_snapshot_is_json(client: FlaskClient) -> None:
    assert "application/json" == get_snapshot(client).content_type


def test_an_error_code_is_answered_in_its_own_letters(
    client: FlaskClient, engine: sa.Engine
) -> None:
    code = "größer als 大 \N{SNAKE} <b>"
    add_tasks(engine, {"status": "failed", "updated_at": current_utc(), "error_message": code})

    assert f'"code": "{code}"' in get_snapshot(client).text


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (HEADERS, 200)])
def test_an_upgrade_request_is_answered_like_any_other(
    app: Flask, engine: sa.Engine, headers: dict[str, str], status: int
) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    answer = app.test_client().get(PATH, headers=headers | upgrade)

    assert status == answer.status_code
    assert answer.mimetype in ("application/json", "application/problem+json")
