"""The snapshot over HTTP: its answers' bodies, statuses and headers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from .host import (
    HEADERS,
    PATH,
    Base,
    add_tasks,
    create_host,
    current_utc,
    dispose_engines,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

COUNTS = ("created", "completed", "failed", "cancelled", "processing", "queued")
LATENCY = [(name, int) for name in ("p50", "p95", "p99", "max", "avg", "samples")]
BACKLOG = [("count", int), ("oldestAgeSeconds", int)]
SAMPLE = [("taskId", str), ("requestId", str)]
LAYOUT = [
    ("window", [("minutes", int), ("from", str), ("to", str)]),
    ("requestId", str),
    ("tasks", [(name, int) for name in COUNTS]),
    ("backlog", [("queued", BACKLOG), ("processing", BACKLOG)]),
    (
        "latency",
        [("timeToProcessingMs", LATENCY), ("timeToCompleteMs", LATENCY), ("endToEndMs", LATENCY)],
    ),
    (
        "topErrors",
        [[("code", str), ("count", int), ("lastSeenAt", str), ("sample", SAMPLE)]],
    ),
]

NOT_DIGITS = "Must be a whole number in ASCII digits."
OUT_OF_RANGE = "Must be greater than or equal to 1 and less than or equal to 1440."
TWICE = "Must be given once."
UNKNOWN = "Unknown parameter; there is only: minutes."


def layout(value: Any) -> Any:
    """The keys of a JSON value in their order, each with the type or layout of what it holds."""
    if isinstance(value, dict):
        return [(key, layout(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [layout(inner) for inner in value]
    return type(value)


def body_of(answer: TestResponse) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.data)
    return body


def get_snapshot(client: FlaskClient, query: str = "") -> TestResponse:
    return client.get(PATH, query_string=query, headers=HEADERS)


def fail_snapshot(client: FlaskClient, engine: sa.Engine) -> TestResponse:
    Base.metadata.drop_all(engine)
    return get_snapshot(client)


Ask: TypeAlias = Callable[[FlaskClient, sa.Engine], TestResponse]

ANSWERS: dict[str, Ask] = {
    "snapshot": lambda client, _: get_snapshot(client),
    "head": lambda client, _: client.head(PATH, headers=HEADERS),
    "options": lambda client, _: client.options(PATH),
    "unauthorized": lambda client, _: client.get(PATH),
    "other method": lambda client, _: client.post(PATH, headers=HEADERS),
    "other method, unauthorized": lambda client, _: client.post(PATH),
    "invalid query": lambda client, _: get_snapshot(client, "minutes=0"),
    "dropped table": fail_snapshot,
}

each_answer = pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS)


@pytest.fixture
def tasks(engine: sa.Engine) -> None:
    """A task of every kind that the answer tells of."""
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
    running = {"status": "processing", "processing_at": processing, "updated_at": processing}
    waiting = {"status": "queued", "created_at": created, "updated_at": created}
    add_tasks(engine, done, failed, running, waiting)


@pytest.mark.usefixtures("tasks")
def test_keys_come_in_the_order_of_the_contract_with_values_of_its_types(
    client: FlaskClient,
) -> None:
    assert LAYOUT == layout(body_of(get_snapshot(client)))


@pytest.mark.parametrize("figure", ["timeToProcessingMs", "timeToCompleteMs", "endToEndMs"])
def test_a_latency_without_samples_is_null(client: FlaskClient, figure: str) -> None:
    nothing = {"p50": None, "p95": None, "p99": None, "max": None, "avg": None, "samples": 0}

    assert nothing == body_of(get_snapshot(client))["latency"][figure]


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_an_empty_backlog_has_no_age(client: FlaskClient, status: str) -> None:
    empty = {"count": 0, "oldestAgeSeconds": None}

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


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("snapshot", 200),
        ("head", 200),
        ("options", 200),
        ("unauthorized", 401),
        ("other method", 405),
        ("other method, unauthorized", 401),
        ("invalid query", 422),
        ("dropped table", 500),
    ],
)
def test_each_kind_of_answer_has_its_status(
    client: FlaskClient, engine: sa.Engine, kind: str, status: int
) -> None:
    assert status == ANSWERS[kind](client, engine).status_code


@each_answer
@pytest.mark.parametrize(
    ("header", "value"),
    [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")],
)
def test_no_answer_is_stored_or_taken_for_another_type(
    client: FlaskClient,
    engine: sa.Engine,
    ask: Ask,
    header: str,
    value: str,
) -> None:
    assert [value] == ask(client, engine).headers.getlist(header)


@each_answer
def test_every_answer_carries_one_request_id(
    client: FlaskClient,
    engine: sa.Engine,
    ask: Ask,
) -> None:
    client.environ_base["HTTP_X_REQUEST_ID"] = "the-curl-of-tonight"

    assert ["the-curl-of-tonight"] == ask(client, engine).headers.getlist("X-Request-Id")


@pytest.mark.parametrize("kind", ["snapshot", "unauthorized", "other method", "dropped table"])
def test_a_body_tells_the_request_id_of_its_header(
    client: FlaskClient, engine: sa.Engine, kind: str
) -> None:
    answer = ANSWERS[kind](client, engine)

    assert answer.headers["X-Request-Id"] == body_of(answer)["requestId"]


def test_head_has_the_headers_of_get_and_no_body(client: FlaskClient) -> None:
    head, get = client.head(PATH, headers=HEADERS), get_snapshot(client)

    assert (b"", get.content_type) == (head.data, head.content_type)


def test_head_without_the_secret_is_unauthorized(client: FlaskClient) -> None:
    assert 401 == client.head(PATH).status_code


def test_options_without_the_secret_tells_the_methods(client: FlaskClient) -> None:
    assert {"GET", "HEAD", "OPTIONS"} == client.options(PATH).allow.as_set(preserve_casing=True)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_another_method_is_refused_with_those_there_are(client: FlaskClient, method: str) -> None:
    answer = client.open(PATH, method=method, headers=HEADERS)

    assert (405, {"GET", "HEAD", "OPTIONS"}) == (
        answer.status_code,
        answer.allow.as_set(preserve_casing=True),
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_another_method_without_the_secret_is_unauthorized(
    client: FlaskClient, method: str
) -> None:
    assert "ADMIN_UNAUTHORIZED" == body_of(client.open(PATH, method=method))["code"]


def test_a_wrong_query_without_the_secret_is_unauthorized(client: FlaskClient) -> None:
    answer = client.get(PATH, query_string="minutes=0&nothing=such")

    assert "ADMIN_UNAUTHORIZED" == body_of(answer)["code"]


def test_unauthorized_says_how_to_authenticate(client: FlaskClient) -> None:
    scheme = client.get(PATH).www_authenticate

    assert ("x-admin-secret", "admin") == (scheme.type, scheme.realm)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        pytest.param(
            "unauthorized",
            {
                "title": "Unauthorized",
                "status": 401,
                "detail": "Send the admin secret in the X-Admin-Secret header.",
                "code": "ADMIN_UNAUTHORIZED",
            },
            id="unauthorized",
        ),
        pytest.param(
            "other method",
            {
                "title": "Method Not Allowed",
                "status": 405,
                "detail": "The method is not allowed for the requested URL.",
                "code": "METHOD_NOT_ALLOWED",
            },
            id="other method",
        ),
        pytest.param(
            "invalid query",
            {
                "title": "Unprocessable Entity",
                "status": 422,
                "detail": "The query string is not valid; `errors` says what each parameter "
                "should be.",
                "code": "INVALID_QUERY",
                "errors": {"minutes": [OUT_OF_RANGE]},
            },
            id="invalid query",
        ),
        pytest.param(
            "dropped table",
            {
                "title": "Internal Server Error",
                "status": 500,
                "detail": "The snapshot could not be made; the log has the traceback under this "
                "request id.",
                "code": "METRICS_ERROR",
            },
            id="dropped table",
        ),
    ],
)
def test_an_error_is_a_problem_that_tells_no_more_than_this(
    client: FlaskClient, engine: sa.Engine, kind: str, problem: dict[str, Any]
) -> None:
    client.environ_base["HTTP_X_REQUEST_ID"] = "req_1"
    answer = ANSWERS[kind](client, engine)
    whole = {"type": "about:blank", "requestId": "req_1"} | problem

    assert ("application/problem+json", whole) == (answer.content_type, answer.json)


def test_a_problem_begins_with_the_members_of_rfc_9457(client: FlaskClient) -> None:
    members = ["type", "title", "status", "detail", "code", "requestId", "errors"]

    assert members == list(body_of(get_snapshot(client, "minutes=0")))


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        pytest.param("minutes=", {"minutes": [NOT_DIGITS]}, id="empty"),
        pytest.param("minutes", {"minutes": [NOT_DIGITS]}, id="bare"),
        pytest.param("minutes=0", {"minutes": [OUT_OF_RANGE]}, id="zero"),
        pytest.param("minutes=1441", {"minutes": [OUT_OF_RANGE]}, id="more than the most"),
        pytest.param("minutes=-1", {"minutes": [NOT_DIGITS]}, id="minus"),
        pytest.param("minutes=%2B5", {"minutes": [NOT_DIGITS]}, id="plus"),
        pytest.param("minutes=1.5", {"minutes": [NOT_DIGITS]}, id="fraction"),
        pytest.param("minutes=6e1", {"minutes": [NOT_DIGITS]}, id="exponent"),
        pytest.param("minutes=0x3C", {"minutes": [NOT_DIGITS]}, id="hexadecimal"),
        pytest.param("minutes=6_0", {"minutes": [NOT_DIGITS]}, id="underscore"),
        pytest.param("minutes=%20 60", {"minutes": [NOT_DIGITS]}, id="space before"),
        pytest.param("minutes=60%0A", {"minutes": [NOT_DIGITS]}, id="new line behind"),
        pytest.param("minutes=60%00", {"minutes": [NOT_DIGITS]}, id="null byte"),
        pytest.param("minutes=%FF", {"minutes": [NOT_DIGITS]}, id="not UTF-8"),
        pytest.param(
            "minutes=%EF%BC%96%EF%BC%90", {"minutes": [NOT_DIGITS]}, id="full-width digits"
        ),
        pytest.param("minutes=%D9%A6%D9%A0", {"minutes": [NOT_DIGITS]}, id="Arabic digits"),
        pytest.param("minutes=" + "9" * 4000, {"minutes": [OUT_OF_RANGE]}, id="4000 digits"),
        pytest.param(
            "minutes=" + "9" * 5000, {"minutes": ["Not a valid integer."]}, id="5000 digits"
        ),
        pytest.param("minutes=60&minutes=60", {"minutes": [TWICE]}, id="twice"),
        pytest.param("hours=1", {"hours": [UNKNOWN]}, id="unknown"),
        pytest.param("Minutes=60", {"Minutes": [UNKNOWN]}, id="other case"),
        pytest.param("=60", {"": [UNKNOWN]}, id="nameless"),
        pytest.param(
            "minutes=x&hours=1&days=1&days=2",
            {"minutes": [NOT_DIGITS], "hours": [UNKNOWN], "days": [UNKNOWN]},
            id="several at once",
        ),
    ],
)
def test_a_wrong_query_is_refused_with_what_is_wrong_of_each_parameter(
    client: FlaskClient, query: str, errors: dict[str, list[str]]
) -> None:
    answer = get_snapshot(client, query)

    assert (422, errors) == (answer.status_code, body_of(answer).get("errors"))


def test_a_failure_is_logged_with_its_traceback(
    client: FlaskClient, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    fail_snapshot(client, engine)

    assert "sqlite3.OperationalError: no such table" in caplog.text


def test_a_failure_is_logged_under_its_request_id(
    client: FlaskClient, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    answer = fail_snapshot(client, engine)

    assert [f"snapshot failed requestId={body_of(answer)['requestId']}"] == caplog.messages


def test_the_snapshot_is_answered_again_once_the_table_is_back(
    client: FlaskClient, engine: sa.Engine
) -> None:
    fail_snapshot(client, engine)
    Base.metadata.create_all(engine)

    assert 200 == get_snapshot(client).status_code


@pytest.mark.parametrize(
    "key", ["TESTING", "DEBUG", "PROPAGATE_EXCEPTIONS", "TRAP_HTTP_EXCEPTIONS"]
)
def test_a_failure_is_answered_in_every_mode_of_flask(
    database_url: str, engine: sa.Engine, key: str
) -> None:
    app = create_host(database_url, **{key: True})
    answer = fail_snapshot(app.test_client(), engine)
    dispose_engines(app)

    assert "METRICS_ERROR" == body_of(answer)["code"]


@pytest.mark.parametrize("key", ["TESTING", "PROPAGATE_EXCEPTIONS", "TRAP_HTTP_EXCEPTIONS"])
def test_a_refusal_is_answered_in_every_mode_of_flask(app: Flask, key: str) -> None:
    app.config[key] = True

    assert "ADMIN_UNAUTHORIZED" == body_of(app.test_client().get(PATH))["code"]


def test_an_answer_under_a_script_name_is_not_stored(client: FlaskClient) -> None:
    answer = client.get(PATH, base_url="http://localhost/mounted/below", headers=HEADERS)

    assert "no-store" == answer.headers["Cache-Control"]
