"""From a failed task's message to its error code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_task_metrics import TaskMetricsError
from flask_task_metrics.source.error_codes import code_of_message, error_code
from tests.support import oracle

UUID = "0F3b9c1e-5a55-4b7e-9d36-1f2e3d4c5b6a"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("ENGINE_TIMEOUT: no answer", "ENGINE_TIMEOUT"),
        ("[INVALID_PROMPT] too long", "INVALID_PROMPT"),
        ("[INVALID_PROMPT too long", "INVALID_PROMPT"),
        ("RATE_LIMITED - retry", "RATE_LIMITED"),
        ("RATE_LIMITED retry", "RATE_LIMITED"),
        ("RATE_LIMITED\nretry", "RATE_LIMITED"),
        ("RATE_LIMITED", "RATE_LIMITED"),
        ("HTTP_404_NOT_FOUND, sorry", "HTTP_404_NOT_FOUND"),
        ("A_B: two letters", "A_B"),
        ("QUOTA: used up", "QUOTA"),
        ("[QUOTA] used up", "QUOTA"),
        ("[QUOTA", "QUOTA"),
        ("QUOTA", "QUOTA"),
        ("E42: no answer", "E42"),
        ("QUOTA_ERROR: not the exception's name", "QUOTA_ERROR"),
    ],
)
def test_leading_code_is_the_code(message: str, expected: str) -> None:
    assert expected == code_of_message(message)


@pytest.mark.parametrize(
    "message",
    [
        "QUOTA used up",
        "QUOTA - used up",
        "QUOTA(used up)",
        "NO: two letters",
        "Quota: not upper-case",
        "engine_timeout: not upper-case",
        "ENGINE_TIMEOUTs: more than a code",
        "ENGINE_TIMEOUTÉ: more than a code",
        "the ENGINE_TIMEOUT: not leading",
        "(ENGINE_TIMEOUT) another bracket",
        "[[ENGINE_TIMEOUT]] two brackets",
        "_ENGINE: no letter first",
    ],
)
def test_what_is_not_a_leading_code_is_left_to_the_pattern(message: str) -> None:
    assert message == code_of_message(message)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("ValueError: bad", "ValueError"),
        ("requests.exceptions.ConnectionError: …", "ConnectionError"),
        ("TimeoutError('x')", "TimeoutError"),
        ("TimeoutError", "TimeoutError"),
        ("app.jobs.TimeoutError", "TimeoutError"),
        ("UserException: no", "UserException"),
        ("ResourceWarning: leak", "ResourceWarning"),
        ("httpx.ReadTimeout: slow", "ReadTimeout"),
        ("SystemExit: 1", "SystemExit"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("Error: bad", "Error"),
        ("_private.Error2Error: bad", "Error2Error"),
    ],
)
def test_leading_exception_is_the_code_without_its_path(message: str, expected: str) -> None:
    assert expected == code_of_message(message)


@pytest.mark.parametrize(
    "message",
    [
        "ValueError bad",
        "ValueErrors: bad",
        "a ValueError: bad",
        "my-ValueError: bad",
        "app..ValueError: bad",
        "ValueFailure: bad",
    ],
)
def test_what_is_not_a_leading_exception_is_left_to_the_pattern(message: str) -> None:
    assert message == code_of_message(message)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('{"code": "NO_ANSWER"}', "NO_ANSWER"),
        ('{"error_code": "no-answer"}', "no-answer"),
        ('{"errorCode": " NO_ANSWER "}', "NO_ANSWER"),
        ('{"errorCode": "C", "error_code": "B", "code": "A"}', "A"),
        ('{"code": 7, "error_code": "", "errorCode": "C"}', "C"),
        ('{\n  "detail": "x",\n  "code": "NO_ANSWER"\n}', "NO_ANSWER"),
        ('{"code": "bröken💥"}', "bröken💥"),
        ('{"error": {"code": "B"}, "errorCode": "A"}', "A"),
        ('{"error": {"name": "D", "status": "C", "type": "B", "errorCode": "A"}}', "A"),
        ('{"error": {"name": "C", "status": "B", "type": "A"}}', "A"),
        ('{"error": {"name": "B", "status": "A"}}', "A"),
        ('{"error": {"name": "A"}, "type": "B"}', "A"),
        ('{"exc_type": "b.B", "type": "a.A"}', "A"),
        ('{"exception_class": "c.C", "exception_type": "b.B", "exc_type": "a.A"}', "A"),
        ('{"exception_class": "c.C", "exception_type": "b.B"}', "B"),
        ('{"exception_class": "com.example.QuotaExceeded"}', "QuotaExceeded"),
        ('{"code": "used up", "error_code": "a/b", "errorCode": "A"}', "A"),
        ('{"code": "https://example.com/quota", "type": "a.QuotaError"}', "QuotaError"),
        ('{"code": 404}', "404"),
        ('{"code": -1}', "-1"),
        ('{"code": 404, "type": "NotFound"}', "NotFound"),
        ('{"code": true, "error_code": 4.5, "errorCode": 7}', "7"),
        ('{"error": {"status": 503}}', "503"),
        ('{"code": null, "error": "NO", "type": 3}', "3"),
    ],
)
def test_code_of_a_json_object_is_the_code(message: str, expected: str) -> None:
    assert expected == code_of_message(message) == oracle.code_of_message(message)


@pytest.mark.parametrize(
    ("api", "body", "expected"),
    [
        (
            "Anthropic",
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            "overloaded_error",
        ),
        (
            "Google",
            {"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}},
            "RESOURCE_EXHAUSTED",
        ),
        (
            "OpenAI",
            {
                "error": {
                    "message": "Incorrect API key provided",
                    "type": "invalid_request_error",
                    "param": None,
                    "code": "invalid_api_key",
                }
            },
            "invalid_api_key",
        ),
        (
            "Stripe",
            {"error": {"code": "card_declined", "doc_url": "https://…", "type": "card_error"}},
            "card_declined",
        ),
        (
            "Meta",
            {"error": {"message": "Expired", "type": "OAuthException", "code": 190}},
            "OAuthException",
        ),
        ("Azure", {"error": {"code": "DeploymentNotFound", "message": "no"}}, "DeploymentNotFound"),
        ("Twilio", {"code": 20003, "message": "Authenticate", "status": 401}, "20003"),
        (
            "Celery",
            {"exc_type": "Terminated", "exc_message": ["15"], "exc_module": "billiard.exceptions"},
            "Terminated",
        ),
        (
            "RFC 9457",
            {"type": "https://example.com/out-of-credit", "status": 403, "code": "NO_CREDIT"},
            "NO_CREDIT",
        ),
    ],
)
def test_code_of_an_api_s_error_is_the_code(api: str, body: Any, expected: str) -> None:
    message = json.dumps(body, indent=2)
    assert expected == code_of_message(message) == oracle.code_of_message(message)


@pytest.mark.parametrize(
    "message",
    [
        '{"code": "NO_ANSWER"',
        '{"code": "NO_ANSWER"} and more',
        '{"code": null}',
        '{"code": " "}',
        '{"code": "no answer"}',
        '{"type": "about/blank"}',
        '{"type": "a."}',
        '{"error": "NO_ANSWER"}',
        '{"error": [{"code": "NO_ANSWER"}]}',
        '{"name": "NO_ANSWER", "status": "NO_ANSWER"}',
        '{"code": true}',
        '[{"code": "NO_ANSWER"}]',
        '"NO_ANSWER"',
        "{}",
        "null",
    ],
)
def test_what_is_not_a_json_object_with_a_code_is_left_to_the_pattern(message: str) -> None:
    assert message == code_of_message(message)


def test_json_nested_too_deep_to_read_is_left_to_the_pattern() -> None:
    message = '{"a":' * 100_000
    assert message[:100] == code_of_message(message)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "connection to 10.0.0.1 timed out after 30 s",
            "connection to <n>.<n>.<n>.<n> timed out after <n> s",
        ),
        (f"no file {UUID} here", "no file <id> here"),
        ("object at 0x7f3a4b5c6d70", "object at <n>x<id>"),
        ("commit DEADBEEF1", "commit <id>"),
        ("order 12345678", "order <id>"),
        ("order 1234567", "order <n>"),
        ("a facade of deadbeef", "a facade of deadbeef"),
        ("only   the first\tline \r\nat all", "only the first line"),
        ("x" * 101, "x" * 100),
        ("9 " + "x" * 97, "<n> " + "x" * 96),
        ("ünknown ٣ digits", "ünknown ٣ digits"),
        ("x" * 199 + "1" * 50, "x" * 100),
        (UUID * 30, "<id>" * 25),
        ("12345678 " * 90 + "z", ("<id> " * 20)[:100]),
        ("deadbeef" * 100, "deadbeef" * 12 + "dead"),
        ("cafe" * 60 + "7" + " z" * 60, "<id>" + " z" * 48),
    ],
)
def test_pattern_is_the_first_line_without_ids_and_numbers(message: str, expected: str) -> None:
    assert expected == code_of_message(message)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("{" + "a" * 40_000, id="brace and letters"),
        pytest.param("{" + "a" * 400_000, id="brace and more letters"),
        pytest.param("a" * 400_000, id="letters"),
        pytest.param("a" * 400_000 + "1", id="letters and a digit"),
        pytest.param("aaaaaaa-" * 50_000, id="short runs"),
        pytest.param("aaaaaaaa-aaaa-" * 30_000, id="starts of UUIDs"),
        pytest.param("A" * 400_000, id="capitals"),
        pytest.param("A_" * 200_000 + "a", id="almost a code"),
        pytest.param("Error" * 80_000 + "s", id="almost an exception"),
        pytest.param("a." * 200_000 + "s", id="almost a path"),
        pytest.param("x" + " " * 400_000 + "x", id="white space"),
        pytest.param("{" * 400_000, id="braces"),
    ],
)
def test_very_long_message_is_read_like_any(message: str) -> None:
    assert oracle.code_of_message(message) == error_code(None, message)


@pytest.mark.parametrize("message", [None, "", " ", "\t\r\n \u3000"])
def test_null_or_blank_message_is_unknown(message: str | None) -> None:
    assert "UNKNOWN" == error_code(None, message)


def test_white_space_around_a_message_means_nothing() -> None:
    assert "NO_ANSWER" == error_code(None, "\n  NO_ANSWER: at all\n")


def test_own_code_comes_before_the_message_and_is_trimmed() -> None:
    assert "own code" == error_code(" own code\n", "NO_ANSWER: at all", lambda message: "HOST")


@pytest.mark.parametrize("code", [None, "", " \t"])
def test_empty_own_code_leaves_it_to_the_message(code: str | None) -> None:
    assert "NO_ANSWER" == error_code(code, "NO_ANSWER: at all")


def test_host_s_function_comes_before_the_rules() -> None:
    assert "at all" == error_code(None, "NO_ANSWER: at all", lambda message: message[11:])


@pytest.mark.parametrize("nothing", [None, ""])
def test_host_s_function_may_leave_it_to_the_rules(nothing: str | None) -> None:
    assert "NO_ANSWER" == error_code(None, "NO_ANSWER: at all", lambda message: nothing)


@pytest.mark.parametrize("returned", [7, 0, False, b"CODE", ["CODE"]], ids=repr)
def test_host_s_function_that_returns_no_string_is_refused(returned: Any) -> None:
    with pytest.raises(TaskMetricsError) as raised:
        error_code(None, "NO_ANSWER: at all", lambda message: returned)
    expected = f"error_code_of returned {returned!r}; it must return a string, or None"
    assert expected == str(raised.value)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("x" * 1_000 + "y", "x" * 1_000),
        (" \n" + "x" * 1_000 + "y", "x" * 1_000),
        (" " * 20_000 + "y", None),
        ("{" + "x" * 10_000, "{" + "x" * 9_999),
        ("\n{" + "x" * 10_000, "{" + "x" * 9_998),
        ("+ Exception Group Traceback (most recent call last):" + "x" * 10_000, None),
        (
            "Traceback (most recent call last):" + "x" * 10_000 + "\n",
            "Traceback (most recent call last):\n" + "x" * 9_999,
        ),
    ],
    ids=["text", "trimmed", "blank", "JSON", "JSON behind white space", "group", "traceback"],
)
def test_host_s_function_gets_as_much_as_the_rules_read(message: str, expected: str | None) -> None:
    seen: list[str] = []
    error_code(None, message, seen.append)
    assert [expected or text for text in seen] == seen
    assert [] == [text for text in seen if len(text) > 10_035]


FRAGMENTS = (
    *("ENGINE_TIMEOUT", "QUOTA", "NO", "E_", "_", "E42", "é", "É"),
    *("ValueError", "Exception", "ReadTimeout", "requests", "Error", "s"),
    *("[", "]", ":", "(", ")", ".", "-", " ", "\t", "\n", "\r\n", "0x"),
    *('{"code": "JSON_CODE"}', '{"errorCode": "', '"}', '{"code": 1}', "{", "}", "null", "[]"),
    *("Traceback (most recent call last):", '\n  File "a"', "\nValueError: b", "\n  | "),
    *('{"error": {"code": 429, "status": "', '", "type": "a.b"}', '"}}', "/"),
    *("7", "1234567", "deadbeef", "cafe1234", UUID, "word", "x" * 98, "💥", "\u2028", "\u00a0"),
)


@pytest.mark.slow
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=8).map("".join))
@settings(max_examples=2_000, deadline=None, derandomize=True)
def test_code_of_any_message_is_that_of_the_oracle(message: str) -> None:
    assert oracle.code_of_message(message) == error_code(None, message)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x" * 101, None),
        (None, "A_" + "B" * 1_000_000),
        (None, f"{'x' * 101}Error: bad"),
        (None, json.dumps({"code": "x" * 101})),
    ],
    ids=["column", "leading code", "exception", "JSON"],
)
def test_a_code_has_at_most_100_characters(code: str | None, message: str | None) -> None:
    assert 100 == len(error_code(code, message))


def test_a_code_of_the_hosts_own_has_at_most_100_characters() -> None:
    assert "x" * 100 == error_code(None, "message", lambda message: "x" * 101)
