"""The errors of the blueprint's own routes, in a host that has error handlers of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
from flask import Flask, Response, abort, make_response
from werkzeug.exceptions import BadRequest, HTTPException, TooManyRequests
from werkzeug.test import TestResponse

from flask_task_metrics import AdminUnauthorized, TaskMetricsError
from tests.support.host import HEADERS, PATH, create_host, dispose_engines
from tests.support.http import body_of


@dataclass(frozen=True)
class Refused:
    """A request that is answered with an error; the host's database has no table, or no folder."""

    status: int
    code: str
    method: str = "GET"
    query: str = ""
    authorized: bool = True
    folder: str = "."

    def ask(self, app: Flask) -> TestResponse:
        return app.test_client().open(
            PATH,
            method=self.method,
            query_string=self.query,
            headers=HEADERS if self.authorized else {},
        )


ERRORS = [
    Refused(401, "ADMIN_UNAUTHORIZED", authorized=False),
    Refused(405, "METHOD_NOT_ALLOWED", method="POST"),
    Refused(422, "INVALID_QUERY", query="minutes=0"),
    Refused(500, "METRICS_ERROR"),
    Refused(503, "METRICS_UNAVAILABLE", folder="missing"),
]

each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)

HANDLED = [401, 405, 422, 500, 503, HTTPException, Exception, TaskMetricsError, AdminUnauthorized]


def answer_as_the_host(error: Exception) -> tuple[str, int]:
    return "the host's own page", 418


def fail() -> NoReturn:
    raise ZeroDivisionError("a bug of the host")


def add_views(app: Flask) -> Flask:
    """Give an app a few views of its own, whose failures it shows as in production."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/fine", view_func=lambda: "fine", endpoint="fine")
    app.add_url_rule("/broken", view_func=fail)
    app.add_url_rule("/forbidden", view_func=lambda: abort(403), endpoint="forbidden")
    return app


@pytest.fixture
def app(error: Refused, tmp_path: Path) -> Iterator[Flask]:
    app = create_host(f"sqlite:///{tmp_path / error.folder / 'tasks.db'}")
    yield app
    dispose_engines(app)


@each_error
def test_an_error_is_answered_with_its_status_and_code(app: Flask, error: Refused) -> None:
    answer = error.ask(app)

    assert (error.status, error.code) == (answer.status_code, body_of(answer)["code"])


@each_error
@pytest.mark.parametrize("handled", HANDLED, ids=str)
def test_a_handler_of_the_host_does_not_take_over_an_error_of_ours(
    app: Flask, error: Refused, handled: int | type[Exception]
) -> None:
    app.register_error_handler(handled, answer_as_the_host)

    assert error.code == body_of(error.ask(app))["code"]


@pytest.mark.parametrize("error", ERRORS[-1:], ids=lambda error: error.code)
def test_an_unavailable_database_says_when_to_ask_again(app: Flask, error: Refused) -> None:
    assert "5" == error.ask(app).headers["Retry-After"]


@pytest.mark.parametrize("error", ERRORS[-1:], ids=lambda error: error.code)
def test_why_the_database_is_unavailable_is_logged(
    app: Flask, error: Refused, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flask_task_metrics")
    request_id = error.ask(app).headers["X-Request-Id"]
    line = (
        f"[METRICS] metrics.failed requestId={request_id} code=METRICS_UNAVAILABLE "
        'cause="unable to open database file"'
    )

    assert line == caplog.messages[0]


@each_error
@pytest.mark.parametrize("secret", ["tasks.db", "sqlite", "SELECT", "Traceback", "Operational"])
def test_an_error_tells_nothing_of_the_database(app: Flask, error: Refused, secret: str) -> None:
    assert secret not in error.ask(app).text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/fine"),
        ("GET", "/nothing"),
        ("GET", "/api/admin/nothing"),
        ("GET", f"{PATH}/"),
        ("POST", "/fine"),
        ("OPTIONS", "/fine"),
        ("GET", "/forbidden"),
        ("GET", "/broken"),
    ],
)
@pytest.mark.parametrize("handled", [None, 403, 404, 405, 500, HTTPException, Exception], ids=str)
def test_the_answers_of_the_host_stay_as_they_are_but_for_the_request_id(
    method: str, path: str, handled: int | type[Exception] | None
) -> None:
    alone, host = add_views(Flask("host")), add_views(create_host("sqlite://"))
    for app in (alone, host):
        if handled is not None:
            app.register_error_handler(handled, answer_as_the_host)
    before, after = (app.test_client().open(path, method=method) for app in (alone, host))
    del after.headers["X-Request-Id"]

    assert (before.status, before.data, sorted(before.headers)) == (
        after.status,
        after.data,
        sorted(after.headers),
    )


def test_an_exception_of_the_host_is_raised_to_its_tests_as_ever() -> None:
    app = add_views(create_host("sqlite://"))
    app.config.update(PROPAGATE_EXCEPTIONS=None, TESTING=True)

    with pytest.raises(ZeroDivisionError, match="a bug of the host"):
        app.test_client().get("/broken")


@pytest.mark.parametrize(("status", "code"), [(403, "FORBIDDEN"), (404, "NOT_FOUND")])
def test_a_refusal_by_the_host_before_our_view_is_a_problem(status: int, code: str) -> None:
    app = create_host("sqlite://")
    app.before_request(lambda: abort(status))

    assert code == body_of(app.test_client().get(PATH))["code"]


def test_a_refusal_by_the_host_keeps_its_headers() -> None:
    app = create_host("sqlite://")

    @app.before_request
    def limit_the_rate() -> NoReturn:
        raise TooManyRequests("Ten a minute.", retry_after=17)

    answer = app.test_client().get(PATH)

    assert ("17", "Ten a minute.") == (answer.headers["Retry-After"], body_of(answer)["detail"])


def test_the_cause_of_a_refusal_by_the_host_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    app = create_host("sqlite://")

    @app.before_request
    def refuse() -> NoReturn:
        raise BadRequest from ValueError("opensesame")

    answer = app.test_client().get(PATH)

    assert (400, "BAD_REQUEST", False) == (
        answer.status_code,
        body_of(answer)["code"],
        "opensesame" in caplog.text,
    )


def test_a_response_that_the_host_aborts_with_is_sent_as_it_is() -> None:
    app = create_host("sqlite://")
    app.before_request(lambda: abort(make_response("closed for today", 403)))
    answer = app.test_client().get(PATH)

    assert (403, "closed for today") == (answer.status_code, answer.text)


def test_an_answer_that_the_host_gives_early_is_sent_as_it_is() -> None:
    app = create_host("sqlite://")
    app.before_request(lambda: Response("closed for today", 418))

    assert "closed for today" == app.test_client().get(PATH).text


def test_a_bug_of_the_host_before_our_view_is_answered_without_its_text() -> None:
    app = create_host("sqlite://")
    app.before_request(fail)
    answer = app.test_client().get(PATH)

    assert (500, "METRICS_ERROR", False) == (
        answer.status_code,
        body_of(answer)["code"],
        "bug" in answer.text,
    )
