"""The check: each condition's verdict, the worst status, and the status of HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from flask_task_metrics import TaskSource
from tests.support.databases import on
from tests.support.host import CHECK, HEADERS, SOURCE, Task, add_tasks, current_utc, hosted
from tests.support.http import body_of, fail_snapshot, get_snapshot

ALL = {
    "failure_rate": {"warn": 0.05, "crit": 0.5, "min_ended": 3},
    "queued_age": {"warn": "0:60", "crit": 3600},
    "processing_age": {"crit": "@10:20"},
    "queued": {"warn": "1:"},
    "processing": {"crit": 0},
    "created": {"crit": "1:"},
    "completed": {"crit": "1:"},
    "failed": {"warn": "~:2"},
    "p50.time_to_processing": {"warn": 8},
    "p95.time_to_complete": {"crit": 8},
    "p99.end_to_end": {"warn": "10:"},
    "state": {"warn": ["stuck"], "crit": ["stalled"]},
}


@contextmanager
def checked(
    url: str | sa.URL, checks: dict[str, Any], source: Any = SOURCE
) -> Iterator[FlaskClient]:
    """Yield a client of a host with conditions."""
    with hosted(url, source, TASK_METRICS_CHECKS=checks) as app:
        yield app.test_client()


def ask(url: str, checks: dict[str, Any], source: Any = SOURCE) -> dict[str, Any]:
    """Return the body of a check by conditions."""
    with checked(url, checks, source) as client:
        return body_of(client.get(CHECK, headers=HEADERS))


def only(body: dict[str, Any]) -> dict[str, Any]:
    """Return the only verdict of a body."""
    [check] = body["checks"]
    return dict(check)


def tasks_of_every_kind(engine: sa.Engine) -> None:
    """Add two tasks that took 2 + 10 s, one that failed, one that waits and one that runs."""
    now = current_utc()
    done = {
        "status": "completed",
        "created_at": now - timedelta(seconds=12),
        "processing_at": now - timedelta(seconds=10),
        "completed_at": now,
        "updated_at": now,
    }
    failed = {"status": "failed", "created_at": now, "updated_at": now}
    since = {"created_at": now - timedelta(hours=2), "updated_at": now}
    running = {"status": "processing", "processing_at": now + timedelta(hours=1)}
    add_tasks(engine, done, done, failed, {"status": "queued"} | since, running | since)


def test_each_condition_is_judged_by_its_figure(database_url: str, engine: sa.Engine) -> None:
    tasks_of_every_kind(engine)
    checks = ask(database_url, ALL)["checks"]
    shown = [(check["name"], check["status"], check["value"]) for check in checks]
    [age] = [value for name, _, value in shown if name == "queued_age"]
    assert 7199 <= age < 7260
    assert [
        ("failure_rate", "warning", 1 / 3),
        ("queued_age", "critical", age),
        # The clock of its worker runs ahead.
        ("processing_age", "ok", 0),
        ("queued", "ok", 1),
        ("processing", "critical", 1),
        ("created", "ok", 3),
        ("completed", "ok", 2),
        ("failed", "ok", 1),
        ("p50.time_to_processing", "ok", 2.0),
        ("p95.time_to_complete", "critical", 10.0),
        ("p99.end_to_end", "ok", 12.0),
        ("state", "ok", "working"),
    ] == shown


@on("sqlite")
def test_a_verdict_tells_its_condition_and_the_figure_in_words(
    database_url: str, engine: sa.Engine
) -> None:
    tasks_of_every_kind(engine)
    rate, slow, last = ask(
        database_url,
        {
            "failure_rate": {"warn": 0.05, "crit": 0.5},
            "p95.time_to_complete": {"crit": "~:7.5"},
            "failed": {"warn": "1:"},
        },
    )["checks"]
    assert {
        "name": "failure_rate",
        "status": "warning",
        "value": 1 / 3,
        "warn": "0:0.05",
        "crit": "0:0.5",
        "text": "failure_rate is 0.3333: 1 of 3 ended tasks failed; warn is 0:0.05",
    } == rate
    assert ["name", "status", "value", "warn", "crit", "text"] == list(rate)
    assert (None, "p95.time_to_complete is 10 s; crit is ~:7.5") == (slow["warn"], slow["text"])
    assert (None, "failed is 1") == (last["crit"], last["text"])


@on("sqlite")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("failure_rate", "failure_rate has no data: tasks ended: 0, min_ended: 1"),
        ("queued_age", "queued_age has no data: no due task is queued"),
        ("processing_age", "processing_age has no data: no task is processing"),
        ("p99.end_to_end", "p99.end_to_end has no data: no task has completed with this latency"),
    ],
)
@pytest.mark.usefixtures("engine")
def test_no_data_is_ok_and_says_so(database_url: str, name: str, text: str) -> None:
    check = only(ask(database_url, {name: {"crit": "1:"}}))
    assert ("ok", None, text) == (check["status"], check["value"], check["text"])


@on("sqlite")
@pytest.mark.usefixtures("engine")
def test_a_verdict_on_the_state_tells_its_reason(database_url: str) -> None:
    check = only(ask(database_url, {"state": {"warn": ["stuck", "idle"], "crit": ["stalled"]}}))
    assert ("warning", ["stuck", "idle"], ["stalled"]) == (
        check["status"],
        check["warn"],
        check["crit"],
    )
    reason = "no due task is queued; nothing has ended in the last 24 h; nothing is being processed"
    assert f"state is idle: {reason}; warn is stuck or idle" == check["text"]


@on("sqlite")
def test_an_age_that_no_task_has_is_no_data(database_url: str, engine: sa.Engine) -> None:
    add_tasks(engine, {"status": "queued"})
    check = only(ask(database_url, {"queued_age": {"crit": 300}}))
    assert ("ok", None) == (check["status"], check["value"])
    assert "queued_age has no data: no task has a time to count its age from" == check["text"]


@on("sqlite")
def test_a_state_that_cannot_be_known_is_no_data(database_url: str, engine: sa.Engine) -> None:
    add_tasks(engine, {"status": "queued"})
    source = TaskSource(Task, created_at=None)
    check = only(ask(database_url, {"state": {"crit": ["stalled"]}}, source))
    assert ("ok", None) == (check["status"], check["value"])
    assert check["text"].startswith("state has no data: 1 due task is queued, no age is recorded")


@on("sqlite")
@pytest.mark.parametrize(("least", "status"), [(3, "critical"), (4, "ok")])
def test_a_failure_rate_needs_as_many_ended_tasks_as_the_condition_says(
    database_url: str, engine: sa.Engine, least: int, status: str
) -> None:
    tasks_of_every_kind(engine)
    rate = {"failure_rate": {"crit": 0.1, "min_ended": least}}
    assert status == only(ask(database_url, rate))["status"]


@on("sqlite")
@pytest.mark.parametrize(
    ("checks", "status", "http_status"),
    [
        pytest.param({}, "ok", 200, id="no condition"),
        pytest.param({"failed": {"crit": 9}}, "ok", 200, id="ok"),
        pytest.param({"failed": {"crit": 9, "warn": 0}}, "warning", 200, id="warning"),
        pytest.param({"failed": {"crit": 0, "warn": 0}}, "critical", 503, id="critical"),
        pytest.param(
            {"failed": {"crit": 0}, "created": {"warn": 0}, "queued": {"warn": 9}},
            "critical",
            503,
            id="the worst is not the last",
        ),
    ],
)
def test_the_worst_verdict_is_the_status_and_only_critical_a_503(
    database_url: str, engine: sa.Engine, checks: dict[str, Any], status: str, http_status: int
) -> None:
    tasks_of_every_kind(engine)
    with checked(database_url, checks) as client:
        answer = client.get(CHECK, headers=HEADERS)
    assert (http_status, "application/json") == (answer.status_code, answer.content_type)
    assert status == body_of(answer)["status"]


@on("sqlite")
def test_a_check_of_a_database_that_fails_is_a_problem(
    client: FlaskClient, engine: sa.Engine
) -> None:
    assert "METRICS_ERROR" == body_of(fail_snapshot(client, engine, CHECK))["code"]


@on("sqlite")
@pytest.mark.parametrize("minutes", [1, 60])
def test_the_window_is_that_of_the_query(
    client: FlaskClient, engine: sa.Engine, minutes: int
) -> None:
    tasks_of_every_kind(engine)
    body = body_of(get_snapshot(client, f"minutes={minutes}", CHECK))
    assert ["window", "requestId", "status", "checks"] == list(body)
    assert minutes == body["window"]["minutes"]


@on("sqlite")
@pytest.mark.parametrize(("query", "value"), [("", 1), ("source=videos", 1), ("source=none", 0)])
def test_each_of_several_sources_is_judged_by_the_conditions(
    database_url: str, engine: sa.Engine, query: str, value: int
) -> None:
    tasks_of_every_kind(engine)
    sources = {"videos": SOURCE, "none": TaskSource(Task, statuses={"failed": "broken"})}
    with checked(database_url, {"failed": {"crit": 9}}, sources) as client:
        body = body_of(get_snapshot(client, query, CHECK))
    assert query.removeprefix("source=") or body["source"] == "videos"
    assert value == only(body)["value"]


@on("sqlite")
def test_a_check_leaves_a_line_with_the_conditions_that_do_not_hold(
    database_url: str, engine: sa.Engine, metric_log: pytest.LogCaptureFixture
) -> None:
    tasks_of_every_kind(engine)
    body = ask(database_url, ALL)
    line = metric_log.messages[0]
    assert line.startswith(
        f"[METRICS] metrics.check requestId={body['requestId']} minutes=60 status=critical "
        "critical=queued_age,processing,p95.time_to_complete warning=failure_rate durationMs="
    )
