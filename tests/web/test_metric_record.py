"""A `[METRICS]` record: its level, its fields, and what it costs where nobody wants it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NoReturn

import pytest

from flask_task_metrics import InvalidMetricError, emit_metric
from tests.support.host import HEADERS, PATH, create_host
from tests.support.log import fields_of

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"

metric_log = pytest.mark.usefixtures("metric_log")


class Unprintable:
    """A value whose text can't be had."""

    def __str__(self) -> NoReturn:
        raise LookupError("no text")


@metric_log
def test_a_record_has_its_event_and_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    with create_host("sqlite://").test_request_context(headers={"X-Request-Id": "req_1"}):
        emit_metric("task.created", taskId=7, engine=None, at=1.5)

    [record] = caplog.records
    assert "task.created" == vars(record)["event"]
    assert {"requestId": "req_1", "taskId": 7, "at": 1.5} == vars(record)["metrics"]


@metric_log
@pytest.mark.parametrize(
    ("value", "shown"),
    [(Unprintable(), "<unprintable Unprintable>"), (10**5000, "<unprintable int>")],
    ids=["str raises", "too many digits"],
)
def test_no_value_makes_a_line_fail(
    value: object, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    emit_metric("task.created", value=value)

    assert {"value": shown} == fields_of(caplog.messages[0])


def test_a_wrong_name_is_refused_even_where_nobody_wants_the_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR, "flask_task_metrics")
    with pytest.raises(InvalidMetricError):
        emit_metric("task created")


@pytest.mark.parametrize("path", [PATH, "/nothing"])
def test_a_line_that_nobody_wants_is_not_built(path: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "flask_task_metrics")
    asked: list[str] = []

    class Noted:
        def __str__(self) -> str:
            asked.append("text")
            return ""

    emit_metric("task.created", value=Noted())
    create_host("sqlite://").test_client().get(path, headers={"X-Request-Id": "req_1"})

    assert [] == asked
    assert "request.completed" not in caplog.text


def test_a_refusal_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "flask_task_metrics")
    create_host("sqlite://").test_client().get(PATH)

    assert [("WARNING", "admin.unauthorized")] == events_of(caplog)


def test_an_outage_is_a_warning(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.WARNING, "flask_task_metrics")
    url = f"sqlite:///{tmp_path / 'no' / 'folder'}"
    create_host(url).test_client().get(PATH, headers=HEADERS)

    assert [("WARNING", "metrics.failed")] == events_of(caplog)


@metric_log
@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (TRACEPARENT, TRACE_ID),
        (f"cc{TRACEPARENT[2:]}-of-the-future", TRACE_ID),
        ("", None),
        (f"{TRACEPARENT}-longer", None),
        (f"{TRACEPARENT}0", None),
        (f"ff{TRACEPARENT[2:]}", None),
        (TRACEPARENT.upper(), None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE_ID}-{'0' * 16}-01", None),
        (f"x{TRACEPARENT}", None),
    ],
)
def test_the_trace_id_of_a_valid_traceparent_is_logged(
    traceparent: str, trace_id: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"traceparent": traceparent, "X-Request-Id": "req_1"}
    answer = create_host("sqlite://").test_client().get("/nothing", headers=headers)

    fields = fields_of(caplog.messages[0])
    assert trace_id == fields.get("traceId")
    assert "req_1" == fields["requestId"] == answer.headers["X-Request-Id"]


@metric_log
def test_an_excluded_path_has_no_line(caplog: pytest.LogCaptureFixture) -> None:
    client = create_host("sqlite://", TASK_METRICS_LOG_EXCLUDE=["/healthz"]).test_client()
    for path in ("/healthz", "/healthz/", "/health"):
        client.get(path)

    assert ["/healthz/", "/health"] == [fields_of(line)["path"] for line in caplog.messages]


@metric_log
def test_the_snapshots_own_path_can_be_excluded(caplog: pytest.LogCaptureFixture) -> None:
    config = {"TASK_METRICS_LOG_REQUESTS": "blueprint", "TASK_METRICS_LOG_EXCLUDE": {PATH}}
    create_host("sqlite://", **config).test_client().get(PATH)

    assert ["admin.unauthorized"] == [event for _, event in events_of(caplog)]


def events_of(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [
        (record.levelname, vars(record)["event"])
        for record in caplog.records
        if "event" in vars(record)
    ]
