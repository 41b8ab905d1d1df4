"""Every request and snapshot leaves its events in the `[METRICS]` log."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import emit_metric
from tests.support.databases import on
from tests.support.host import HEADERS, PATH, Base, add_tasks, create_host, current_utc
from tests.support.log import HOSTILE, fields_of

pytestmark = pytest.mark.usefixtures("metric_log")


def events_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message.split()[1] for message in caplog.messages if message.startswith("[METRICS]")]


def test_a_request_is_logged_when_it_is_completed(caplog: pytest.LogCaptureFixture) -> None:
    headers = {"X-Request-Id": "req_1"}
    create_host("sqlite://").test_client().put("/nothing", headers=headers)

    assert re.fullmatch(
        r"\[METRICS\] request\.completed requestId=req_1 method=PUT path=/nothing status=404 "
        r"durationMs=\d+\.\d",
        caplog.messages[0],
    )


@on("sqlite")
def test_a_snapshot_is_logged_with_its_figures(
    app: Flask, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    now = current_utc()
    done = {"created_at": now, "processing_at": now, "completed_at": now, "updated_at": now}
    add_tasks(
        engine,
        *({"status": "completed"} | done for _ in range(2)),
        {"status": "failed", "updated_at": now},
        {"status": "queued"},
    )
    client = app.test_client()
    client.get(f"{PATH}?minutes=5", headers=HEADERS | {"X-Request-Id": "req_1"})

    assert re.fullmatch(
        r"\[METRICS\] metrics\.snapshot requestId=req_1 minutes=5 created=2 completed=2 failed=1 "
        r"cancelled=0 processing=0 queued=0 state=working backlogQueued=1 backlogProcessing=0 "
        r"samples=2 durationMs=\d+\.\d",
        caplog.messages[0],
    )


def test_a_line_is_logged_as_information_of_the_package(caplog: pytest.LogCaptureFixture) -> None:
    emit_metric("task.created", taskId=7)

    assert [("flask_task_metrics", 20, "[METRICS] task.created taskId=7")] == caplog.record_tuples


@on("sqlite")
@pytest.mark.parametrize(
    ("method", "path", "headers", "events"),
    [
        pytest.param("GET", PATH, HEADERS, ["metrics.snapshot", "request.completed"], id="200"),
        pytest.param("OPTIONS", PATH, {}, ["request.completed"], id="options"),
        pytest.param("GET", PATH, {}, ["admin.unauthorized", "request.completed"], id="401"),
        pytest.param("POST", PATH, {}, ["admin.unauthorized", "request.completed"], id="405/401"),
        pytest.param("POST", PATH, HEADERS, ["request.completed"], id="405"),
        pytest.param("GET", f"{PATH}?minutes=0", HEADERS, ["request.completed"], id="422"),
        pytest.param("GET", "/nothing", {}, ["request.completed"], id="404 of the host"),
        pytest.param("POST", "/static/a", {}, ["request.completed"], id="405 of the host"),
    ],
)
def test_each_kind_of_answer_has_its_events(
    app: Flask,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    headers: dict[str, str],
    events: list[str],
) -> None:
    app.test_client().open(path, method=method, headers=headers)

    assert events == events_of(caplog)


@on("sqlite")
def test_a_failed_snapshot_is_logged_with_its_status(
    app: Flask, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    Base.metadata.drop_all(engine)
    app.test_client().get(PATH, headers=HEADERS)

    assert "500" == fields_of(caplog.messages[-1])["status"]


@pytest.mark.parametrize(
    ("log_requests", "path", "events"),
    [
        ("all", "/nothing", ["request.completed"]),
        ("all", PATH, ["admin.unauthorized", "request.completed"]),
        ("blueprint", "/nothing", []),
        ("blueprint", PATH, ["admin.unauthorized", "request.completed"]),
        ("none", "/nothing", []),
        ("none", PATH, ["admin.unauthorized"]),
    ],
)
def test_the_requests_that_are_logged_are_those_configured(
    caplog: pytest.LogCaptureFixture, log_requests: str, path: str, events: list[str]
) -> None:
    create_host("sqlite://", TASK_METRICS_LOG_REQUESTS=log_requests).test_client().get(path)

    assert events == events_of(caplog)


def test_a_path_is_logged_without_its_query(caplog: pytest.LogCaptureFixture) -> None:
    create_host("sqlite://").test_client().get("/nothing?token=opensesame#opensesame")

    assert ("/nothing", False) == (
        fields_of(caplog.messages[0])["path"],
        "opensesame" in caplog.text,
    )


@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_path_is_logged_in_one_line(caplog: pytest.LogCaptureFixture, path: str) -> None:
    create_host("sqlite://").test_client().get(f"/{quote(path)}")
    (line,) = caplog.messages

    assert ([line], f"/{path}") == (line.splitlines(), fields_of(line)["path"])


@pytest.mark.parametrize("method", ["G\u2028T", "GET STATUS=200", 'G"T', "G\nT"])
def test_a_hostile_method_is_logged_in_one_line(
    caplog: pytest.LogCaptureFixture, method: str
) -> None:
    client = create_host("sqlite://").test_client()
    client.get("/nothing", environ_overrides={"REQUEST_METHOD": method})
    (line,) = caplog.messages

    assert ([line], method, "404") == (
        line.splitlines(),
        fields_of(line)["method"],
        fields_of(line)["status"],
    )


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"taskId": 7}, "[METRICS] task.created requestId=req_1 taskId=7"),
        ({"taskId": 7, "requestId": "own"}, "[METRICS] task.created requestId=own taskId=7"),
        ({"taskId": 7, "requestId": None}, "[METRICS] task.created taskId=7"),
    ],
)
def test_inside_a_request_its_id_comes_first_and_once(
    caplog: pytest.LogCaptureFixture, fields: dict[str, object], line: str
) -> None:
    with create_host("sqlite://").test_request_context(headers={"X-Request-Id": "req_1"}):
        emit_metric("task.created", **fields)

    assert [line] == caplog.messages


def test_in_an_app_without_the_package_there_is_no_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Flask("elsewhere").test_request_context():
        emit_metric("task.created")

    assert ["[METRICS] task.created"] == caplog.messages
