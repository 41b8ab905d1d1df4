"""Request ids: kept, replaced, sent back, and put on log records."""

from __future__ import annotations

import io
import logging
import re
import string
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Request, current_app, g
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.debug import DebuggedApplication
from werkzeug.test import Client

from flask_task_metrics import RequestIdFilter, current_request_id
from tests.support.host import PATH, create_host

NEW_ID = re.compile(r"req_[0-9a-f]{32}")

HOSTILE = {
    "empty": "",
    "too long": "x" * 129,
    "far too long": "x" * 100_000,
    "space": "a b",
    "space behind": "behind ",
    "tab": "a\tb",
    "new line": "a\nb",
    "new line behind": "a\n",
    "carriage return": "a\r\nX-Injected: yes",
    "null byte": "a\x00",
    "double quote": 'a"b',
    "single quote": "a'b",
    "equals sign": "a=b",
    "backslash": "a\\nb",
    "slash": "../../etc/passwd",
    "comma": "a,b",
    "percent": "a%0Ab",
    "markup": "<script>",
    "Latin-1 letter": "\xe9",
    "NEL": "a\x85b",
    "UTF-8 on the wire": "\u2028".encode().decode("latin-1"),
    "full-width digits": "\uff11\uff12",
    "terminal escape": "\x1b[31m",
}


def create_echo_host(**config: Any) -> Flask:
    """Return a host with a view that answers the current request id, and one that fails."""
    app = create_host("sqlite://", PROPAGATE_EXCEPTIONS=False, **config)
    app.add_url_rule("/id", view_func=lambda: f"{current_request_id()}", endpoint="id")
    app.add_url_rule("/g", view_func=lambda: f"{g.request_id}", endpoint="g")
    app.add_url_rule("/broken", view_func=lambda: f"{1 / 0}", endpoint="broken")
    return app


class BrokenSessions(SecureCookieSessionInterface):
    """A session store that is down."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        raise ConnectionError("no session store")


@pytest.fixture
def echo() -> FlaskClient:
    return create_echo_host().test_client()


@pytest.mark.parametrize(
    "request_id",
    [
        "a",
        "-",
        ".",
        "_",
        "x" * 128,
        "req_91ab",
        "AZaz09._-",
        "8f14e45f-ceea-467f-a8e2-1b2c3d4e5f60",
    ],
)
def test_a_fitting_id_is_kept(echo: FlaskClient, request_id: str) -> None:
    answer = echo.get("/id", headers={"X-Request-Id": request_id})

    assert (request_id, [request_id]) == (answer.text, answer.headers.getlist("X-Request-Id"))


@pytest.mark.parametrize("request_id", HOSTILE.values(), ids=HOSTILE)
def test_an_id_that_does_not_fit_is_replaced(echo: FlaskClient, request_id: str) -> None:
    answer = echo.get("/id", environ_overrides={"HTTP_X_REQUEST_ID": request_id})

    assert NEW_ID.fullmatch(answer.headers["X-Request-Id"])


@pytest.mark.parametrize("request_id", list(HOSTILE.values())[1:], ids=list(HOSTILE)[1:])
def test_an_id_that_does_not_fit_is_neither_answered_nor_logged(
    caplog: pytest.LogCaptureFixture, request_id: str
) -> None:
    caplog.set_level("DEBUG")
    app = create_host("sqlite://")
    answer = app.test_client().get(PATH, environ_overrides={"HTTP_X_REQUEST_ID": request_id})

    assert request_id not in caplog.text + answer.text + str(answer.headers)


def test_an_id_sent_twice_is_replaced(echo: FlaskClient) -> None:
    answer = echo.get("/id", headers=[("X-Request-Id", "one"), ("X-Request-Id", "one")])

    assert NEW_ID.fullmatch(answer.text)


def test_a_request_without_an_id_gets_a_new_one(echo: FlaskClient) -> None:
    assert NEW_ID.fullmatch(echo.get("/id").text)


def test_each_request_gets_an_id_of_its_own(echo: FlaskClient) -> None:
    assert 100 == len({echo.get("/id").text for _ in range(100)})


def test_each_request_gets_an_id_of_its_own_inside_one_app_context() -> None:
    app = create_echo_host()
    client = app.test_client()

    with app.app_context():
        assert 3 == len({client.get("/id").text for _ in range(3)})


def test_each_request_gets_an_id_of_its_own_inside_one_request_context() -> None:
    app = create_echo_host()
    client = app.test_client()

    with app.test_request_context():
        assert 4 == len({current_request_id(), *(client.get("/id").text for _ in range(3))})


def test_the_id_sent_is_the_one_the_view_saw(echo: FlaskClient) -> None:
    answer = echo.get("/id")

    assert answer.text == answer.headers["X-Request-Id"]


def test_the_id_is_on_g(echo: FlaskClient) -> None:
    assert "req_7" == echo.get("/g", headers={"X-Request-Id": "req_7"}).text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/id"),
        ("HEAD", "/id"),
        ("OPTIONS", "/id"),
        ("POST", "/id"),
        ("GET", "/nothing"),
        ("GET", "/broken"),
        ("GET", "/static/nothing.css"),
        ("GET", PATH),
    ],
)
def test_every_answer_of_the_host_carries_the_id(echo: FlaskClient, method: str, path: str) -> None:
    answer = echo.open(path, method=method, headers={"X-Request-Id": "req_7"})

    assert ["req_7"] == answer.headers.getlist("X-Request-Id")


def test_an_answer_that_the_host_gives_before_any_view_carries_the_id() -> None:
    app = create_echo_host()
    app.before_request(lambda: "closed for today")
    answer = app.test_client().get("/id", headers={"X-Request-Id": "req_7"})

    assert ("closed for today", "req_7") == (answer.text, answer.headers["X-Request-Id"])


def test_a_request_that_fails_before_it_begins_carries_the_id() -> None:
    app = create_echo_host()
    app.session_interface = BrokenSessions()
    answer = app.test_client().get("/id", headers={"X-Request-Id": "req_7"})

    assert (500, "req_7") == (answer.status_code, answer.headers["X-Request-Id"])


def test_a_request_that_fails_before_it_begins_is_logged_without_a_duration(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "flask_task_metrics")
    app = create_echo_host()
    app.session_interface = BrokenSessions()
    app.test_client().get("/id", headers={"X-Request-Id": "req_7"})
    line = "[METRICS] request.completed requestId=req_7 method=GET path=/id status=500"

    assert line in caplog.messages


def test_an_id_that_the_host_set_on_its_answer_gives_way() -> None:
    app = create_echo_host()
    app.add_url_rule(
        "/own", view_func=lambda: ("", {"X-Request-Id": "of the host"}), endpoint="own"
    )
    answer = app.test_client().get("/own", headers={"X-Request-Id": "req_7"})

    assert ["req_7"] == answer.headers.getlist("X-Request-Id")


def test_a_request_that_the_host_makes_to_itself_leaves_it_its_id() -> None:
    app = create_echo_host()

    @app.get("/both")
    def ask_oneself() -> str:
        client = current_app.test_client()
        inner = client.get("/id", headers={"X-Request-Id": "inner"}).text
        return f"{inner}, {current_request_id()}"

    answer = app.test_client().get("/both", headers={"X-Request-Id": "outer"})

    assert ("inner, outer", "outer") == (answer.text, answer.headers["X-Request-Id"])


def test_another_header_name_is_read() -> None:
    client = create_echo_host(TASK_METRICS_REQUEST_ID_HEADER="X-Correlation-Id").test_client()

    assert "req_7" == client.get("/id", headers={"X-Correlation-Id": "req_7"}).text


def test_another_header_name_is_sent_instead() -> None:
    client = create_echo_host(TASK_METRICS_REQUEST_ID_HEADER="X-Correlation-Id").test_client()
    headers = client.get("/id", headers={"X-Correlation-Id": "req_7"}).headers

    assert ("req_7", None) == (headers["X-Correlation-Id"], headers.get("X-Request-Id"))


def test_the_default_header_name_is_not_read_where_there_is_another() -> None:
    client = create_echo_host(TASK_METRICS_REQUEST_ID_HEADER="X-Correlation-Id").test_client()

    assert NEW_ID.fullmatch(client.get("/id", headers={"X-Request-Id": "req_7"}).text)


def test_there_is_no_id_outside_an_app() -> None:
    assert current_request_id() is None


def test_there_is_no_id_outside_a_request() -> None:
    with create_echo_host().app_context():
        assert current_request_id() is None


def test_there_is_no_id_in_an_app_without_the_package() -> None:
    with Flask("elsewhere").test_request_context(headers={"X-Request-Id": "req_7"}):
        assert current_request_id() is None


def test_a_request_context_of_a_test_has_an_id() -> None:
    with create_echo_host().test_request_context(headers={"X-Request-Id": "req_7"}):
        assert "req_7" == current_request_id()


def test_the_id_stays_the_same_throughout_a_request() -> None:
    with create_echo_host().test_request_context():
        assert current_request_id() == current_request_id()


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Return the output of a host's logger whose handler has the filter."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter("%(request_id)s %(message)s"))
    logger = logging.getLogger("host.tasks")
    logger.addHandler(handler)
    yield written
    logger.removeHandler(handler)


def test_the_filter_puts_the_id_on_the_records_of_a_request(stream: io.StringIO) -> None:
    app = create_echo_host()

    @app.get("/logged")
    def log() -> str:
        logging.getLogger("host.tasks").warning("disk is full")
        return ""

    app.test_client().get("/logged", headers={"X-Request-Id": "req_7"})

    assert "req_7 disk is full\n" == stream.getvalue()


def test_the_filter_puts_a_dash_on_the_records_outside_a_request(stream: io.StringIO) -> None:
    logging.getLogger("host.tasks").warning("disk is full")

    assert "- disk is full\n" == stream.getvalue()


def test_the_filter_puts_a_dash_on_the_records_of_an_app_without_the_package(
    stream: io.StringIO,
) -> None:
    with Flask("elsewhere").test_request_context():
        logging.getLogger("host.tasks").warning("disk is full")

    assert "- disk is full\n" == stream.getvalue()


def test_an_id_is_kept_exactly_where_it_fits() -> None:
    app = create_echo_host()
    fitting = set(string.ascii_letters + string.digits + "._-")
    any_text = st.text(st.characters(max_codepoint=255), max_size=140)

    @settings(deadline=None)
    @given(inbound=any_text | st.text(sorted(fitting), min_size=1, max_size=140))
    def check(inbound: str) -> None:
        fits = 1 <= len(inbound) <= 128 and fitting.issuperset(inbound)
        with app.test_request_context(environ_overrides={"HTTP_X_REQUEST_ID": inbound}):
            assert fits == (inbound == current_request_id())

    check()


if sys.version_info >= (3, 11):

    def test_the_traceback_page_of_debug_mode_shows_the_id() -> None:
        app = create_host("sqlite://")
        app.debug = True

        @app.get("/bug")
        def bug() -> str:
            raise LookupError("bug")

        page = DebuggedApplication(app)
        answer = Client(page).get("/bug", headers={"X-Request-Id": "req_1"})

        assert 500 == answer.status_code
        assert "requestId=req_1" in answer.text
