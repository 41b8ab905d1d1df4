"""Every answer of the blueprint has its status and headers, and every error is a problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.databases import on
from tests.support.host import CHECK, ENDPOINTS, HEADERS, PATH, Base, create_host, dispose_engines
from tests.support.http import OUT_OF_RANGE, body_of, fail_snapshot, get_snapshot

pytestmark = on("sqlite")

Ask: TypeAlias = Callable[[FlaskClient, sa.Engine, str], TestResponse]

ANSWERS: dict[str, Ask] = {
    "figures": lambda client, _, path: get_snapshot(client, path=path),
    "head": lambda client, _, path: client.head(path, headers=HEADERS),
    "options": lambda client, _, path: client.options(path),
    "unauthorized": lambda client, _, path: client.get(path),
    "other method": lambda client, _, path: client.post(path, headers=HEADERS),
    "other method, unauthorized": lambda client, _, path: client.post(path),
    "invalid query": lambda client, _, path: get_snapshot(client, "minutes=0", path),
    "dropped table": fail_snapshot,
}

each_endpoint = pytest.mark.parametrize("path", ENDPOINTS)
each_answer = pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS)


@each_endpoint
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("figures", 200),
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
    client: FlaskClient, engine: sa.Engine, path: str, kind: str, status: int
) -> None:
    assert status == ANSWERS[kind](client, engine, path).status_code


@each_endpoint
@each_answer
@pytest.mark.parametrize(
    ("header", "value"),
    [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")],
)
def test_no_answer_is_stored_or_taken_for_another_type(
    client: FlaskClient,
    engine: sa.Engine,
    path: str,
    ask: Ask,
    header: str,
    value: str,
) -> None:
    assert [value] == ask(client, engine, path).headers.getlist(header)


@each_endpoint
@each_answer
def test_every_answer_carries_one_request_id(
    client: FlaskClient,
    engine: sa.Engine,
    path: str,
    ask: Ask,
) -> None:
    client.environ_base["HTTP_X_REQUEST_ID"] = "the-curl-of-tonight"

    assert ["the-curl-of-tonight"] == ask(client, engine, path).headers.getlist("X-Request-Id")


@each_endpoint
@pytest.mark.parametrize("kind", ["unauthorized", "other method", "dropped table"])
def test_a_problem_tells_the_request_id_of_its_header(
    client: FlaskClient, engine: sa.Engine, path: str, kind: str
) -> None:
    answer = ANSWERS[kind](client, engine, path)

    assert answer.headers["X-Request-Id"] == body_of(answer)["requestId"]


@pytest.mark.parametrize("path", [PATH, CHECK])
def test_a_body_tells_the_request_id_of_its_header(client: FlaskClient, path: str) -> None:
    answer = get_snapshot(client, path=path)

    assert answer.headers["X-Request-Id"] == body_of(answer)["requestId"]


@each_endpoint
def test_head_has_the_headers_of_get_and_no_body(client: FlaskClient, path: str) -> None:
    head, get = client.head(path, headers=HEADERS), get_snapshot(client, path=path)

    assert (b"", get.content_type) == (head.data, head.content_type)


@each_endpoint
def test_head_without_the_secret_is_unauthorized(client: FlaskClient, path: str) -> None:
    assert 401 == client.head(path).status_code


@each_endpoint
def test_options_without_the_secret_tells_the_methods(client: FlaskClient, path: str) -> None:
    assert {"GET", "HEAD", "OPTIONS"} == client.options(path).allow.as_set(preserve_casing=True)


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


@each_endpoint
def test_a_wrong_query_without_the_secret_is_unauthorized(client: FlaskClient, path: str) -> None:
    answer = client.get(path, query_string="minutes=0&nothing=such")

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
                "detail": "The figures could not be read; the log has the traceback under this "
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
    answer = ANSWERS[kind](client, engine, PATH)
    whole = {"type": "about:blank", "requestId": "req_1"} | problem

    assert ("application/problem+json", whole) == (answer.content_type, answer.json)


def test_a_problem_begins_with_the_members_of_rfc_9457(client: FlaskClient) -> None:
    members = ["type", "title", "status", "detail", "code", "requestId", "errors"]

    assert members == list(body_of(get_snapshot(client, "minutes=0")))


def test_a_failure_is_logged_with_its_traceback(
    client: FlaskClient, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    fail_snapshot(client, engine)

    assert "sqlite3.OperationalError: no such table" in caplog.text


def test_a_failure_is_logged_under_its_request_id(
    client: FlaskClient, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    answer = fail_snapshot(client, engine)

    assert [f"metrics failed requestId={body_of(answer)['requestId']}"] == caplog.messages


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
