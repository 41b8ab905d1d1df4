"""The settings: each key's default, its effect, and what is said of a value that can't be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Config, Flask
from flask.testing import FlaskClient

from flask_task_metrics import ConfigurationError, TaskSource
from flask_task_metrics.config import Settings
from tests.support.databases import on
from tests.support.host import (
    PATH,
    SECRET,
    Task,
    add_tasks,
    create_host,
    current_utc,
    dispose_engines,
)
from tests.support.http import body_of, get_snapshot

DEFAULTS = {
    "admin_secret": (),
    "url_prefix": "/api/admin",
    "default_minutes": 60,
    "max_minutes": 1440,
    "top_errors": 5,
    "timeout_ms": 10000,
    "max_concurrent": 2,
    "bind_key": None,
    "request_id_header": "X-Request-Id",
    "log_requests": "all",
    "log_exclude": (),
    "stalled_seconds": 300,
    "stuck_seconds": 3600,
    "checks": (),
    "prometheus_minutes": 5,
    "dashboard": False,
}
KEYS = [f"TASK_METRICS_{name.upper()}" for name in DEFAULTS]

NO_HEADER = (
    "has a secret that no HTTP header can carry: it is empty, or has a control character or white "
    "space at an end (the new line of the file it was read from?)"
)
STRINGS = "it must be a string, or a sequence of them"
PATH_PREFIX = (
    "it must be a fixed path such as '/api/admin', with a slash at the start and none at the end"
)
HEADER_NAME = "it must be the name of an HTTP header, such as 'X-Request-Id'"
NEUTRAL_HEADER = "it must be a header without a meaning of its own"
PATHS = "it must be a sequence of paths, such as ('/healthz',)"
BIND = "it must be the name of one of your binds, or a mapping of sources to binds"
LOG_REQUESTS = "it must be one of all, blueprint, none"

WHOLE_NUMBERS = {
    "DEFAULT_MINUTES": 52704000,
    "MAX_MINUTES": 52704000,
    "PROMETHEUS_MINUTES": 52704000,
    "TOP_ERRORS": 1000,
    "MAX_CONCURRENT": 1000,
    "STALLED_SECONDS": 3162240000,
    "STUCK_SECONDS": 3162240000,
}
"""The largest value of each."""


def refusal_of(**config: Any) -> str:
    """Return the error at start of a host with a wrong configuration."""
    with pytest.raises(ConfigurationError) as refusal:
        create_host("sqlite://", **config)
    return str(refusal.value)


@pytest.fixture
def configured(engine: sa.Engine, database_url: str) -> Iterator[Callable[..., FlaskClient]]:
    """Return a function that makes the client of a host with a task table and a configuration."""
    apps: list[Flask] = []

    def create_client(**config: Any) -> FlaskClient:
        apps.append(create_host(database_url, **config))
        return apps[-1].test_client()

    yield create_client
    for app in apps:
        dispose_engines(app)


def test_what_is_not_set_has_its_default() -> None:
    assert DEFAULTS == asdict(Settings.from_config({}))


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_is_none_counts_as_not_set(key: str) -> None:
    assert Settings() == Settings.from_config({key: None})


@pytest.mark.parametrize("key", ["SECRET_KEY", "TASK_METRICSX", "task_metrics_nothing"])
def test_a_key_of_another_extension_is_left_alone(key: str) -> None:
    assert Settings() == Settings.from_config({key: "whatever"})


@pytest.mark.parametrize(
    ("config", "unknown"),
    [
        ({"TASK_METRICS_SECRET": "x"}, "TASK_METRICS_SECRET"),
        ({"TASK_METRICS_": "x"}, "TASK_METRICS_"),
        ({"TASK_METRICS_Z": 1, "TASK_METRICS_A": 2}, "TASK_METRICS_A, TASK_METRICS_Z"),
    ],
)
def test_an_unknown_key_is_refused_with_those_there_are(
    config: dict[str, Any], unknown: str
) -> None:
    assert f"{unknown} is not a setting; there are: {', '.join(KEYS)}" == refusal_of(**config)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(5, f"is of type int; {STRINGS}", id="number"),
        pytest.param(True, f"is of type bool; {STRINGS}", id="truth"),
        pytest.param({"current": SECRET}, f"is of type dict; {STRINGS}", id="mapping"),
        pytest.param({SECRET}, f"is of type set; {STRINGS}", id="set"),
        pytest.param(
            (SECRET, 5), "has a secret of type int; it must be a string", id="number among several"
        ),
        pytest.param([[SECRET]], "has a secret of type list; it must be a string", id="nested"),
        pytest.param("", NO_HEADER, id="empty"),
        pytest.param(b"", NO_HEADER, id="empty bytes"),
        pytest.param((SECRET, ""), NO_HEADER, id="empty among several"),
        pytest.param(f"{SECRET}\n", NO_HEADER, id="new line behind"),
        pytest.param(f" {SECRET}", NO_HEADER, id="space before"),
        pytest.param(f"{SECRET}\t", NO_HEADER, id="tab behind"),
        pytest.param(f"{SECRET}\r\nx", NO_HEADER, id="new line within"),
        pytest.param(f"{SECRET}\x00x", NO_HEADER, id="null byte"),
        pytest.param(f"{SECRET}\x7fx".encode(), NO_HEADER, id="DEL"),
    ],
)
def test_a_secret_that_no_client_can_send_is_refused_and_not_shown(
    value: object, message: str
) -> None:
    assert f"TASK_METRICS_ADMIN_SECRET {message}" == refusal_of(TASK_METRICS_ADMIN_SECRET=value)


def test_a_secret_from_an_environment_that_is_not_utf_8_is_refused() -> None:
    not_utf_8 = (SECRET.encode() + b"\xff").decode(errors="surrogateescape")

    assert "TASK_METRICS_ADMIN_SECRET" in refusal_of(TASK_METRICS_ADMIN_SECRET=not_utf_8)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *(
            ("URL_PREFIX", value, PATH_PREFIX)
            for value in (
                *("", "/", "api/admin", "/api/", "//api", "/api//admin", "/a b", "/a\n", "/a?b"),
                *("/a#b", "/<name>", "/<int:id>/admin", 5, b"/api/admin", ["/api/admin"]),
            )
        ),
        *(
            (name, value, f"it must be a whole number from 1 to {most}")
            for name, most in WHOLE_NUMBERS.items()
            for value in (0, -1, most + 1, "60", "", 1.5, 60.0, True, False, [60])
        ),
        *(
            ("TIMEOUT_MS", value, "it must be a whole number from 0 to 86400000")
            for value in (-1, 86400001, "5000", 0.5, True, False, "off")
        ),
        *(
            ("BIND_KEY", value, BIND)
            for value in (5, True, "", b"replica", ["replica"], {"a": None}, {"a": ""}, {None: "b"})
        ),
        *(
            ("REQUEST_ID_HEADER", value, HEADER_NAME)
            for value in ("", "X Request-Id", "X-Request-Id\n", "X-Requ\xeate", "X:Y", 5, b"X-Id")
        ),
        *(
            ("REQUEST_ID_HEADER", value, NEUTRAL_HEADER)
            for value in ("X-Admin-Secret", "x-admin-secret", "Set-Cookie", "Connection", "TE")
        ),
        *(
            ("LOG_EXCLUDE", value, PATHS)
            for value in ("/healthz", b"/healthz", ["healthz"], [b"/healthz"], {"/": 1}, 5, True)
        ),
        *(
            ("LOG_REQUESTS", value, LOG_REQUESTS)
            for value in ("", "ALL", "some", True, False, ["all"], {"all"})
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_what_would_be_right(
    name: str, value: object, message: str
) -> None:
    key = f"TASK_METRICS_{name}"

    assert f"{key} is {value!r}; {message}" == refusal_of(**{key: value})


@pytest.mark.parametrize(
    ("config", "default", "most"),
    [
        ({"TASK_METRICS_DEFAULT_MINUTES": 1441}, 1441, 1440),
        ({"TASK_METRICS_MAX_MINUTES": 59}, 60, 59),
        ({"TASK_METRICS_DEFAULT_MINUTES": 11, "TASK_METRICS_MAX_MINUTES": 10}, 11, 10),
    ],
)
def test_more_minutes_by_default_than_there_can_be_are_refused(
    config: dict[str, int], default: int, most: int
) -> None:
    message = (
        f"TASK_METRICS_DEFAULT_MINUTES is {default}; "
        f"it must be at most TASK_METRICS_MAX_MINUTES, which is {most}"
    )

    assert message == refusal_of(**config)


@pytest.mark.parametrize("prefix", ["/ops", "/a/b/c", "/api/v1.0", "/größe", "/a%20b", "/~me;x=1"])
def test_the_snapshot_is_mounted_below_the_prefix(prefix: str) -> None:
    client = create_host("sqlite://", TASK_METRICS_URL_PREFIX=prefix).test_client()
    path = f"{prefix}/metrics-snapshot".replace("%", "%25")

    assert (401, 401, 404) == (
        client.get(path).status_code,
        client.post(path).status_code,
        client.get(PATH).status_code,
    )


def test_an_answer_below_another_prefix_is_not_stored() -> None:
    client = create_host("sqlite://", TASK_METRICS_URL_PREFIX="/ops").test_client()

    assert "no-store" == client.get("/ops/metrics-snapshot").headers["Cache-Control"]


@on("sqlite")
def test_the_window_has_the_default_minutes(configured: Callable[..., FlaskClient]) -> None:
    client = configured(TASK_METRICS_DEFAULT_MINUTES=7)

    assert 7 == body_of(get_snapshot(client))["window"]["minutes"]


@on("sqlite")
def test_the_window_has_at_most_the_most_minutes(configured: Callable[..., FlaskClient]) -> None:
    client = configured(TASK_METRICS_MAX_MINUTES=2880)

    assert 2880 == body_of(get_snapshot(client, "minutes=2880"))["window"]["minutes"]


def test_more_than_the_most_minutes_are_refused() -> None:
    app = create_host("sqlite://", TASK_METRICS_DEFAULT_MINUTES=7, TASK_METRICS_MAX_MINUTES=30)
    message = "Must be greater than or equal to 1 and less than or equal to 30."

    assert {"minutes": [message]} == body_of(get_snapshot(app.test_client(), "minutes=31"))[
        "errors"
    ]


@on("sqlite")
@pytest.mark.parametrize(("config", "codes"), [({}, 5), ({"TASK_METRICS_TOP_ERRORS": 2}, 2)])
def test_there_are_as_many_errors_as_configured(
    configured: Callable[..., FlaskClient], engine: sa.Engine, config: dict[str, int], codes: int
) -> None:
    failed = {"status": "failed", "updated_at": current_utc()}
    add_tasks(engine, *(failed | {"error_message": f"ERROR_{n}: x"} for n in range(6)))

    assert codes == len(body_of(get_snapshot(configured(**config)))["topErrors"])


@on("sqlite")
def test_a_timeout_of_zero_is_none(configured: Callable[..., FlaskClient]) -> None:
    client = configured(TASK_METRICS_TIMEOUT_MS=0)

    assert 60 == body_of(get_snapshot(client))["window"]["minutes"]


@on("sqlite")
def test_settings_come_from_the_environment_as_flask_reads_it(
    configured: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST_TASK_METRICS_DEFAULT_MINUTES", "7")
    config = Config(".")
    config.from_prefixed_env("HOST")

    assert 7 == body_of(get_snapshot(configured(**config)))["window"]["minutes"]


def test_settings_are_read_once_at_start() -> None:
    app = create_host("sqlite://")
    app.config.update(TASK_METRICS_REQUEST_ID_HEADER="X-Correlation-Id")

    assert "X-Request-Id" in app.test_client().get("/").headers


SOME_STATES = "it must be a list of states, such as ['stalled'], of: stalled, stuck, idle, working"
A_MAPPING = "it must be a mapping such as {'queued_age': {'crit': 300}}"
WARN_OR_CRIT = "it must be a mapping with warn, crit or both, such as {'crit': 300}"
RANGE = (
    "it must be a number or a range such as '10', '10:', '~:10', '10:20' or '@10:20', whose start "
    "is not above its end"
)


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        *(
            (value, f" is {value!r}; {A_MAPPING}")
            for value in ("queued_age", ["queued_age"], 5, True)
        ),
        *(
            ({name: {"crit": 1}}, f" has a condition on {name!r}; there are: failure_rate, ")
            for name in ("queue_age", "", 5, "p90.end_to_end", "p50.endToEnd", "Failed")
        ),
        *(
            (
                {"failed": given},
                f"['failed'] is {given!r}; {WARN_OR_CRIT}",
            )
            for given in ({}, 300, "0:5", None, {"min_ended": 3}, {"critical": 5})
        ),
        *(
            ({name: {"crit": 1, option: 2}}, f"[{name!r}] has {option!r}; there are: {options}")
            for name, option, options in (
                ("failed", "min_ended", "warn, crit"),
                ("failure_rate", "ok", "warn, crit, min_ended"),
            )
        ),
        *(
            ({"failed": {"warn": given}}, f"['failed']['warn'] is {given!r}; {RANGE}")
            for given in (
                *("", " 5", "5\n", "five", "1e3", "@", ":", ":5", "~", "5:~", "20:10", "1:2:3"),
                *("٣", "5.", "+5", "inf", -5, "-5", True, None, [5], float("nan"), float("inf")),
            )
        ),
        *(
            (
                {"state": {"crit": given}},
                f"['state']['crit'] is {given!r}; {SOME_STATES}",
            )
            for given in ("stalled", [], ["Stalled"], ["stalled", "slow"], [["stuck"]], 5, b"idle")
        ),
        *(
            (
                {"failure_rate": {"crit": 1, "min_ended": given}},
                f"['failure_rate']['min_ended'] is {given!r}; it must be a whole number from 1 on",
            )
            for given in (0, -1, 1.5, "5", True, None)
        ),
    ],
)
def test_a_wrong_condition_is_refused_with_its_key_and_what_would_be_right(
    checks: object, message: str
) -> None:
    refusal = refusal_of(TASK_METRICS_CHECKS=checks)

    assert refusal.startswith(f"TASK_METRICS_CHECKS{message}")


@pytest.mark.parametrize(
    ("name", "crit", "poor", "needs"),
    [
        ("created", 1, {"created_at": None}, "created_at"),
        ("queued_age", 1, {"created_at": None}, "queued status, or no created_at and no due_at"),
        ("state", ["stuck"], {"statuses": {"queued": ()}}, "queued or no processing status"),
        (
            "p95.time_to_complete",
            1,
            {"completed_at": None},
            "processing_at or no completed_at",
        ),
        (
            "p50.time_to_processing",
            1,
            {"processing_at": None},
            "created_at or no processing_at or no completed_at",
        ),
        ("failure_rate", 1, {"statuses": {"completed": ()}}, "failed or no completed status"),
        ("completed", "1:", {"statuses": {"completed": ()}}, "completed status"),
        ("queued", 1, {"statuses": {"queued": ()}}, "queued status"),
    ],
)
def test_a_condition_on_what_a_source_does_not_record_is_refused(
    name: str, crit: object, poor: dict[str, Any], needs: str
) -> None:
    sources = {"videos": Task, "imports": TaskSource(Task, **poor)}
    with pytest.raises(ConfigurationError) as refusal:
        create_host("sqlite://", sources, TASK_METRICS_CHECKS={name: {"crit": crit}})

    assert (
        f"source 'imports': TASK_METRICS_CHECKS has a condition on {name!r}, and the source has no "
        f"{needs}; map it, or leave out the condition"
    ) == str(refusal.value)


def test_a_scrape_s_window_is_no_longer_than_any_may_be() -> None:
    settings = Settings.from_config(
        {"TASK_METRICS_DEFAULT_MINUTES": 3, "TASK_METRICS_MAX_MINUTES": 3}
    )
    assert 3 == settings.prometheus_minutes
