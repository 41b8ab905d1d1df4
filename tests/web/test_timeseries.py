"""The course of time over HTTP: its keys, their order and types, and its parameters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_task_metrics import TaskSource
from tests.support.databases import on
from tests.support.host import HEADERS, SOURCE, Task, add_tasks, current_utc
from tests.support.http import body_of, host_client

pytestmark = on("sqlite")

PATH = "/api/admin/metrics-timeseries"
COUNTS = ["created", "started", "completed", "failed", "cancelled"]
LATENCIES = ["timeToProcessingMs", "timeToCompleteMs", "endToEndMs"]
NO_SAMPLES = {"p50": None, "p95": None, "p99": None, "samples": 0}

NOT_DIGITS = "Must be a whole number in ASCII digits."
OUT_OF_RANGE = "Must be greater than or equal to 1 and less than or equal to 500."


def get(client: FlaskClient, query: str = "") -> TestResponse:
    return client.get(PATH, query_string=query, headers=HEADERS)


def test_keys_come_in_the_order_of_the_contract(client: FlaskClient) -> None:
    body = body_of(get(client))
    assert ["window", "requestId", "stepSeconds", "points"] == list(body)
    assert ["at", *COUNTS, *LATENCIES] == list(body["points"][1])
    assert {"at": body["points"][1]["at"]} | dict.fromkeys(COUNTS, 0) | dict.fromkeys(
        LATENCIES, NO_SAMPLES
    ) == body["points"][1]


def test_the_first_and_the_last_point_are_partial_if_the_window_cuts_them(
    client: FlaskClient,
) -> None:
    body = body_of(get(client, "minutes=2&points=1"))
    cut = body["window"]["from"] != body["points"][0]["at"]
    assert (120, [True, True] if cut else [None]) == (
        body["stepSeconds"],
        [point.get("partial") for point in body["points"]],
    )


def test_a_task_is_in_the_point_of_its_time(client: FlaskClient, engine: sa.Engine) -> None:
    done = current_utc() - timedelta(minutes=5)
    began = done - timedelta(seconds=3)
    add_tasks(
        engine,
        {"status": "completed", "created_at": began, "processing_at": began}
        | {"completed_at": done, "updated_at": done},
    )
    points = body_of(get(client, "points=12"))["points"]
    [point] = [point for point in points if point["completed"]]
    assert point["at"] <= done.isoformat()
    stats = {"p50": 3000, "p95": 3000, "p99": 3000, "samples": 1}
    assert (stats, 1) == (point["timeToCompleteMs"], sum(point["started"] for point in points))


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("points=0", {"points": [OUT_OF_RANGE]}),
        ("points=501", {"points": [OUT_OF_RANGE]}),
        ("points=1e2", {"points": [NOT_DIGITS]}),
        ("points=", {"points": [NOT_DIGITS]}),
        ("points=60&points=60", {"points": ["Must be given once."]}),
        (
            "point=60",
            {"point": ["Unknown parameter; there are only: minutes, points."]},
        ),
    ],
)
def test_wrong_points_are_refused(
    client: FlaskClient, query: str, errors: dict[str, list[str]]
) -> None:
    answer = get(client, query)
    assert (422, errors) == (answer.status_code, body_of(answer)["errors"])


@pytest.mark.parametrize(("query", "points"), [("points=1", 2), ("minutes=1&points=500", 60)])
def test_there_are_at_most_as_many_points_as_asked_for_and_one(
    client: FlaskClient, query: str, points: int
) -> None:
    assert len(body_of(get(client, query))["points"]) <= points


def test_the_log_has_a_line_of_it(database_url: str, metric_log: pytest.LogCaptureFixture) -> None:
    with host_client(database_url, {"videos": SOURCE, "imports": SOURCE}) as client:
        body = body_of(get(client, "source=imports&minutes=1&points=60"))
    assert ["window", "requestId", "source", "stepSeconds", "points"] == list(body)
    expected = (
        f"[METRICS] metrics.timeseries requestId={body['requestId']} source=imports minutes=1 "
        "stepSeconds=1 points=60 durationMs="
    )
    assert any(message.startswith(expected) for message in metric_log.messages)


def test_what_is_not_recorded_is_null(database_url: str) -> None:
    source: Any = TaskSource(Task, created_at=None, completed_at=None)
    with host_client(database_url, source) as client:
        point = body_of(get(client))["points"][-1]
    assert {"created": None} | dict.fromkeys(LATENCIES) == {
        name: value for name, value in point.items() if value is None
    }
