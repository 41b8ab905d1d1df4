"""The admin secret: who passes, who does not, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import pytest
from flask import Flask
from flask.views import MethodView
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from flask_task_metrics import AdminUnauthorized, ConfigurationError, admin_secret_required
from tests.support.host import BEARER_PATHS, HEADERS, PATH, SECRET, create_host

OTHERS = ("another secret, of the last month", "a third secret, of next month")
NOT_ASCII = "Zür\u00adich ½ пароль 大 \N{SNAKE}"


def wire(secret: str | bytes) -> str:
    """A secret as WSGI hands it to an app: the bytes that a client sends, read as Latin-1."""
    sent = secret.encode() if isinstance(secret, str) else secret
    return sent.decode("latin-1")


def create_admin_host(**config: Any) -> Flask:
    """Return a host that guards a view of its own with the secret."""
    app = create_host("sqlite://", **config)

    @app.get("/admin/<name>")
    @admin_secret_required
    def greet(name: str) -> str:
        return f"hello, {name}"

    return app


def ask(app: Flask, secret: str | None, path: str = "/admin/ann") -> TestResponse:
    headers = {} if secret is None else {"X-Admin-Secret": secret}
    return app.test_client().get(path, headers=headers)


def log_of(caplog: pytest.LogCaptureFixture, app: Flask, secret: str | None) -> str:
    """Return the line that gives the reason of a refusal."""
    caplog.set_level("INFO", "flask_task_metrics")
    app.test_client().get(
        PATH,
        headers={"X-Request-Id": "req_1"} | ({} if secret is None else {"X-Admin-Secret": secret}),
    )
    return next(message for message in caplog.messages if "admin.unauthorized" in message)


def test_the_right_secret_passes() -> None:
    assert "hello, ann" == ask(create_admin_host(), SECRET).text


@pytest.mark.parametrize("position", range(len(SECRET)))
def test_a_secret_that_differs_at_one_position_is_refused(position: int) -> None:
    other = chr(ord(SECRET[position]) ^ 1)
    wrong = SECRET[:position] + other + SECRET[position + 1 :]

    assert 401 == ask(create_admin_host(), wrong).status_code


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="empty"),
        pytest.param(SECRET[:-1], id="without its end"),
        pytest.param(SECRET[1:], id="without its start"),
        pytest.param(SECRET + "x", id="longer"),
        pytest.param("x" + SECRET, id="longer before"),
        pytest.param(SECRET * 2, id="doubled"),
        pytest.param(SECRET.upper(), id="in capitals"),
        pytest.param(SECRET[::-1], id="backwards"),
        pytest.param(f"Bearer {SECRET}", id="with a scheme"),
        pytest.param(SECRET + "\xa0", id="with a space that ASCII lacks"),
        pytest.param("x" * 100_000, id="very long"),
    ],
)
def test_another_secret_is_refused(wrong: str | None) -> None:
    assert 401 == ask(create_admin_host(), wrong).status_code


@pytest.mark.parametrize("times", [2, 3])
def test_a_secret_sent_several_times_is_refused(times: int) -> None:
    headers = [("X-Admin-Secret", SECRET)] * times
    answer = create_admin_host().test_client().get("/admin/ann", headers=headers)

    assert 401 == answer.status_code


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_secret_passes_wherever_it_stands_among_several(position: int) -> None:
    several = [*OTHERS[:position], SECRET, *OTHERS[position:]]

    assert 200 == ask(create_admin_host(TASK_METRICS_ADMIN_SECRET=several), SECRET).status_code


@pytest.mark.parametrize("secret", [SECRET, *OTHERS])
def test_each_of_several_secrets_passes(secret: str) -> None:
    app = create_admin_host(TASK_METRICS_ADMIN_SECRET=(SECRET, *OTHERS))

    assert 200 == ask(app, secret).status_code


@pytest.mark.parametrize(
    "wrong", [SECRET + OTHERS[0], f"{SECRET},{OTHERS[0]}", f"{SECRET}, {OTHERS[0]}"]
)
def test_several_secrets_together_are_refused(wrong: str) -> None:
    app = create_admin_host(TASK_METRICS_ADMIN_SECRET=(SECRET, *OTHERS))

    assert 401 == ask(app, wrong).status_code


@pytest.mark.parametrize("collect", [list, tuple])
def test_several_secrets_come_in_any_sequence(
    collect: Callable[[tuple[str, ...]], Iterable[str]],
) -> None:
    app = create_admin_host(TASK_METRICS_ADMIN_SECRET=collect(OTHERS))

    assert 200 == ask(app, OTHERS[-1]).status_code


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(SECRET.encode(), id="ASCII bytes"),
        pytest.param(bytes(range(0x80, 0x100)), id="bytes that are not UTF-8"),
        pytest.param(NOT_ASCII, id="not ASCII"),
        pytest.param(NOT_ASCII.encode(), id="not ASCII, as bytes"),
        pytest.param("pass\tphrase with a tab", id="tab"),
        pytest.param("comma, colon: and \"quotes\" 'as well' \\", id="punctuation"),
    ],
)
def test_a_secret_is_compared_as_the_bytes_on_the_wire(secret: str | bytes) -> None:
    app = create_admin_host(TASK_METRICS_ADMIN_SECRET=secret)

    assert 200 == ask(app, wire(secret)).status_code


@pytest.mark.parametrize("position", range(len(NOT_ASCII)))
def test_a_secret_that_is_not_ascii_is_refused_when_one_character_differs(position: int) -> None:
    app = create_admin_host(TASK_METRICS_ADMIN_SECRET=NOT_ASCII)
    wrong = NOT_ASCII[:position] + chr(ord(NOT_ASCII[position]) ^ 1) + NOT_ASCII[position + 1 :]

    assert 401 == ask(app, wire(wrong)).status_code


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    assert 401 == ask(create_admin_host(), wire(b"\xff\xfe\x80")).status_code


def test_a_header_that_no_server_hands_out_is_refused() -> None:
    assert 401 == ask(create_admin_host(), NOT_ASCII).status_code


@pytest.mark.parametrize("none", [None, (), []], ids=repr)
@pytest.mark.parametrize("secret", [None, "", SECRET, "None", "()"])
def test_every_request_is_refused_where_no_secret_is_configured(
    none: object, secret: str | None
) -> None:
    app = create_admin_host(TASK_METRICS_ADMIN_SECRET=none)

    assert 401 == ask(app, secret, PATH).status_code


def test_that_no_secret_is_configured_is_warned_of_at_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    create_host("sqlite://", TASK_METRICS_ADMIN_SECRET=None, TASK_METRICS_URL_PREFIX="/ops")
    message = (
        "TASK_METRICS_ADMIN_SECRET is not set; every request to /ops/metrics… is answered with 401"
    )

    assert [("flask_task_metrics", 30, message)] == caplog.record_tuples


@pytest.mark.parametrize(
    "short",
    [
        pytest.param("x" * 15, id="a string"),
        pytest.param(b"x" * 15, id="bytes"),
        pytest.param((SECRET, "x" * 15), id="among several"),
        pytest.param("ж" * 15, id="not ASCII"),
    ],
)
def test_a_short_secret_is_warned_of_at_start(
    caplog: pytest.LogCaptureFixture, short: object
) -> None:
    create_host("sqlite://", TASK_METRICS_ADMIN_SECRET=short)
    message = "TASK_METRICS_ADMIN_SECRET has a secret shorter than 16 characters; it can be guessed"

    assert [("flask_task_metrics", 30, message)] == caplog.record_tuples


@pytest.mark.parametrize("long", ["x" * 16, b"x" * 16, ("x" * 16, "y" * 17), "ж" * 16])
def test_a_secret_of_sixteen_characters_is_not_warned_of(
    caplog: pytest.LogCaptureFixture, long: object
) -> None:
    create_host("sqlite://", TASK_METRICS_ADMIN_SECRET=long)

    assert [] == caplog.record_tuples


@pytest.mark.parametrize(
    ("given", "reason"),
    [(None, "missing"), ("", "empty"), ("wrong", "wrong"), (SECRET.upper(), "wrong")],
)
def test_the_log_says_why_a_request_was_refused(
    caplog: pytest.LogCaptureFixture, given: str | None, reason: str
) -> None:
    line = log_of(caplog, create_host("sqlite://"), given)

    assert (
        f"[METRICS] admin.unauthorized requestId=req_1 reason={reason} remoteAddr=127.0.0.1" == line
    )


@pytest.mark.parametrize("given", [None, "", SECRET])
def test_the_log_says_that_no_secret_is_configured(
    caplog: pytest.LogCaptureFixture, given: str | None
) -> None:
    line = log_of(caplog, create_host("sqlite://", TASK_METRICS_ADMIN_SECRET=None), given)

    assert "reason=not_configured" in line.split()


def test_the_log_leaves_the_address_out_where_the_server_knows_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "flask_task_metrics")
    create_host("sqlite://").test_client().get(
        PATH,
        headers={"X-Request-Id": "req_1"},
        environ_overrides={"REMOTE_ADDR": None},
    )

    assert "[METRICS] admin.unauthorized requestId=req_1 reason=missing" == caplog.messages[0]


@pytest.mark.parametrize("path", [PATH, *BEARER_PATHS])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("given", ["opensesame-guess", SECRET, f"{SECRET}opensesame-guess"])
def test_nothing_that_a_client_sends_in_secret_is_logged_or_answered(
    caplog: pytest.LogCaptureFixture, path: str, method: str, given: str
) -> None:
    caplog.set_level("DEBUG")
    answer = (
        create_host("sqlite://")
        .test_client()
        .open(
            path,
            method=method,
            query_string={"minutes": "opensesame-query", "token": "opensesame-token"},
            headers={
                "X-Admin-Secret": given,
                "X-Request-Id": "opensesame id",
                "Authorization": "Bearer opensesame",
                "Cookie": "session=opensesame",
                "Referer": "https://opensesame",
                "User-Agent": "opensesame",
            },
        )
    )
    told = caplog.text + answer.text + str(answer.headers)

    assert [] == [secret for secret in ("opensesame", SECRET) if secret in told]


def test_what_an_app_keeps_of_the_extension_does_not_show_its_secrets() -> None:
    app = create_host("sqlite://", TASK_METRICS_ADMIN_SECRET=(SECRET, *OTHERS))
    shown = repr(app.extensions["task_metrics"])

    assert [] == [secret for secret in (SECRET, *OTHERS) if secret in shown]


def test_a_refusal_by_a_view_of_the_host_is_answered_by_its_own_handler() -> None:
    app = create_admin_host()
    app.register_error_handler(401, lambda error: ("the host's own page", 401))

    assert "the host's own page" == ask(app, "wrong").text


@pytest.mark.parametrize("base", [AdminUnauthorized, HTTPException])
def test_a_host_may_handle_the_refusal_by_its_class(base: type[Exception]) -> None:
    app = create_admin_host()
    app.register_error_handler(base, lambda error: (f"refused: {error.code}", 401))

    assert "refused: 401" == ask(app, None).text


def test_a_refusal_by_a_view_of_the_host_is_flasks_own_page_otherwise() -> None:
    answer = ask(create_admin_host(), "wrong")

    assert ("text/html; charset=utf-8", "x-admin-secret") == (
        answer.content_type,
        answer.www_authenticate.type,
    )


def test_a_guarded_view_may_be_asynchronous() -> None:
    app = create_host("sqlite://")

    @app.get("/admin/<name>")
    @admin_secret_required
    async def greet(name: str) -> str:
        return f"hello, {name}"

    assert "hello, ann" == ask(app, SECRET).text


def test_an_asynchronous_view_is_guarded() -> None:
    app = create_host("sqlite://")

    @app.get("/admin/<name>")
    @admin_secret_required
    async def greet(name: str) -> str:
        return f"hello, {name}"

    assert 401 == ask(app, "wrong").status_code


def test_a_class_of_views_is_guarded_by_its_decorators() -> None:
    class Greeting(MethodView):
        decorators: ClassVar = [admin_secret_required]

        def get(self, name: str) -> str:
            return f"hello, {name}"

    app = create_host("sqlite://")
    app.add_url_rule("/admin/<name>", view_func=Greeting.as_view("greeting"))

    assert (200, 401) == (ask(app, SECRET).status_code, ask(app, "wrong").status_code)


def test_a_guarded_view_keeps_its_name() -> None:
    @admin_secret_required
    def restart_the_workers() -> str:
        return "done"

    assert "restart_the_workers" == restart_the_workers.__name__


def test_a_guarded_view_needs_the_package_on_its_app() -> None:
    app = Flask("elsewhere")

    with (
        app.test_request_context(headers=HEADERS),
        pytest.raises(ConfigurationError, match="TaskMetrics is not mounted on 'elsewhere'"),
    ):
        admin_secret_required(lambda: "never")()


BEARER = f"Bearer {SECRET}"


def refusal(
    path: str,
    secret: str | None = None,
    authorization: str | None = None,
    method: str = "GET",
    **config: Any,
) -> TestResponse:
    """Ask for what does not exist: whoever has the right secret gets another answer than 401."""
    headers = {"X-Admin-Secret": secret, "Authorization": authorization}
    given = {name: value for name, value in headers.items() if value is not None}
    client = create_host("sqlite://", **config).test_client()
    return client.open(path, method=method, query_string="nothing=such", headers=given)


@pytest.mark.parametrize("path", BEARER_PATHS)
@pytest.mark.parametrize(
    "authorization",
    [BEARER, f"bearer {SECRET}", f"BEARER {SECRET}", f"Bearer   {SECRET}"],
)
def test_the_secret_may_be_a_bearer_token_where_prometheus_and_monitors_ask(
    path: str, authorization: str
) -> None:
    assert 422 == refusal(path, None, authorization).status_code


@pytest.mark.parametrize("path", [PATH, "/admin/ann"])
def test_no_other_view_takes_a_bearer_token(path: str) -> None:
    client = create_admin_host().test_client()

    assert 401 == client.get(path, headers={"Authorization": BEARER}).status_code


@pytest.mark.parametrize(
    ("secret", "authorization", "status"),
    [
        pytest.param(SECRET, BEARER, 422, id="both right"),
        pytest.param(SECRET, "Bearer wrong", 422, id="the bearer token is somebody else's"),
        pytest.param(SECRET, "Basic dXNlcjpwYXNz", 422, id="a proxy's login beside it"),
        pytest.param("wrong", BEARER, 422, id="the token alone is right"),
        pytest.param("", BEARER, 422, id="an empty header beside the token"),
        pytest.param("wrong", "Bearer wrong", 401, id="both wrong"),
        pytest.param(SECRET[:4], f"Bearer {SECRET[4:]}", 401, id="half of it in each"),
    ],
)
def test_of_two_secrets_one_has_to_be_right(secret: str, authorization: str, status: int) -> None:
    assert status == refusal(BEARER_PATHS[0], secret, authorization).status_code


@pytest.mark.parametrize("secret", ["a=b, c=d, and so on==", NOT_ASCII, "two  spaces and a\ttab"])
def test_a_bearer_token_is_compared_as_the_bytes_on_the_wire(secret: str) -> None:
    answer = refusal(
        BEARER_PATHS[0], None, f"Bearer {wire(secret)}", TASK_METRICS_ADMIN_SECRET=(SECRET, secret)
    )

    assert 422 == answer.status_code


@pytest.mark.parametrize(
    ("secret", "authorization", "reason"),
    [
        (None, None, "missing"),
        (None, "Basic dXNlcjpwYXNz", "missing"),
        (None, SECRET, "missing"),
        (None, f"Bearer{SECRET}", "missing"),
        (None, "Bearer", "empty"),
        (None, "Bearer ", "empty"),
        ("", "Bearer", "empty"),
        ("", "Bearer wrong", "wrong"),
        ("wrong", None, "wrong"),
        (None, "Bearer wrong", "wrong"),
        (None, f"Bearer {BEARER}", "wrong"),
        (None, f"Bearer {SECRET}, {BEARER}", "wrong"),
    ],
)
def test_the_log_says_why_a_bearer_was_refused(
    caplog: pytest.LogCaptureFixture, secret: str | None, authorization: str | None, reason: str
) -> None:
    assert 401 == refusal(BEARER_PATHS[0], secret, authorization).status_code
    assert f"reason={reason}" in caplog.messages[0].split()


@pytest.mark.parametrize("path", BEARER_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_bearer_learns_of_both_ways_to_authenticate(path: str, method: str) -> None:
    answer = refusal(path, method=method)

    assert ["X-Admin-Secret realm=admin", "Bearer realm=admin"] == answer.headers.getlist(
        "WWW-Authenticate"
    )
    assert "Authorization: Bearer" in answer.get_json()["detail"]


@pytest.mark.parametrize("path", BEARER_PATHS)
def test_a_bearer_with_another_method_learns_of_those_there_are(path: str) -> None:
    assert 405 == refusal(path, None, BEARER, "POST").status_code
