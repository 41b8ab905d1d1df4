"""A host that has request ids of its own gives them to the package."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask, g, request

from flask_task_metrics import ConfigurationError, TaskMetrics, current_request_id
from flask_task_metrics.mounted import EXTENSION_KEY
from tests.support.host import HEADERS, PATH, SECRET, Task

pytestmark = pytest.mark.usefixtures("metric_log")

NEW_ID = r"req_[0-9a-f]{32}"


def create_app(request_id_of: Callable[[], str | None]) -> Flask:
    app = Flask("host")
    app.config["TASK_METRICS_ADMIN_SECRET"] = SECRET
    TaskMetrics(sa.create_engine("sqlite://"), Task, request_id_of=request_id_of, app=app)

    @app.get("/id")
    def show_id() -> list[str | None]:
        return [current_request_id(), g.request_id]

    return app


def hosts_id() -> str:
    return f"host-{request.headers['X-Amzn-Trace-Id']}"


def test_header_body_g_and_log_have_the_hosts_id(caplog: pytest.LogCaptureFixture) -> None:
    client = create_app(hosts_id).test_client()
    answer = client.get("/id", headers={"X-Amzn-Trace-Id": "1", "X-Request-Id": "inbound"})

    assert ["host-1", "host-1"] == answer.get_json()
    assert "host-1" == answer.headers["X-Request-Id"]
    assert "requestId=host-1" in caplog.messages[0].split()


def test_a_problem_has_the_hosts_id() -> None:
    answer = create_app(hosts_id).test_client().get(PATH, headers={"X-Amzn-Trace-Id": "1"})

    assert "host-1" == answer.get_json()["requestId"]


def test_the_hosts_id_may_come_into_being_during_the_request() -> None:
    app = create_app(lambda: str(g.id))

    @app.before_request
    def give_id() -> None:
        g.id = "late"

    assert "late" == app.test_client().get("/nothing").headers["X-Request-Id"]


def test_the_hosts_function_is_called_once_a_request() -> None:
    ids = iter(["first", "second"])
    client = create_app(lambda: next(ids)).test_client()

    assert ["first", "second"] == [client.get("/id").headers["X-Request-Id"] for _ in range(2)]


def failing() -> str:
    raise LookupError("no id")


@pytest.mark.parametrize("found", [None, "", "a b", "a" * 129, "a\nb", 7])
def test_an_invalid_id_of_the_host_is_replaced_and_never_logged(
    found: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    answer = create_app(lambda: found).test_client().get("/id")

    assert_new_id(answer.headers["X-Request-Id"])
    warning = (
        "request_id_of returned no valid id (1 to 128 characters of [A-Za-z0-9._-]); "
        "the request gets a new one"
    )
    assert [warning] == warnings_of(caplog)


def test_an_error_of_the_hosts_function_is_logged_and_the_id_replaced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = create_app(failing).test_client().get("/id")

    assert_new_id(answer.headers["X-Request-Id"])
    assert ["request_id_of failed; the request gets a new id"] == warnings_of(caplog)
    assert "LookupError: no id" in caplog.text


def test_the_hosts_function_itself_runs_without_an_id() -> None:
    seen: list[str | None] = []

    def asking() -> str:
        seen.append(current_request_id())
        return "found"

    assert "found" == create_app(asking).test_client().get("/id").headers["X-Request-Id"]
    assert [None] == seen


def test_what_is_no_function_is_refused_at_start() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        TaskMetrics(sa.create_engine("sqlite://"), Task, request_id_of="id")  # type: ignore[arg-type]

    assert (
        "request_id_of is 'id'; it must be a function that returns the current request's id"
        == str(refusal.value)
    )


def test_the_secret_still_opens_the_snapshots_path() -> None:
    app = create_app(hosts_id)
    headers = HEADERS | {"X-Amzn-Trace-Id": "1"}

    # The empty database has no table: the answer is the snapshot's own error.
    assert 500 == app.test_client().get(PATH, headers=headers).status_code
    app.extensions[EXTENSION_KEY].reader_of(None).engine.dispose()


def assert_new_id(request_id: str) -> None:
    assert re.fullmatch(NEW_ID, request_id)


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
