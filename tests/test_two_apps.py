"""Two apps with settings of their own live in one process."""

from __future__ import annotations

import json
from typing import Any

import flask_sqlalchemy
import pytest
from flask import Flask

from flask_task_metrics import TaskMetrics, TaskSource
from tests.support.host import HEADERS, PATH, Base, Task
from tests.support.two_databases import (
    MAIN,
    REPLICA,
    UNPOOLED,
    create_app,
    flask_sqlalchemy_of,
    queued_in,
)

OTHER_SECRET = "the secret of another app"  # noqa: S105 - the tests' own
OTHER_HEADERS = {"X-Admin-Secret": OTHER_SECRET}
OTHER_PATH = "/ops/metrics-snapshot"


@pytest.fixture
def two_apps(two_database_config: dict[str, Any]) -> tuple[Flask, Flask]:
    """Two apps that share one `TaskMetrics` and one extension, with settings all their own."""
    first = create_app(two_database_config, "first")
    second = create_app(
        two_database_config
        | {"SQLALCHEMY_DATABASE_URI": two_database_config["SQLALCHEMY_BINDS"]["replica"]},
        "second",
        TASK_METRICS_ADMIN_SECRET=OTHER_SECRET,
        TASK_METRICS_URL_PREFIX="/ops",
        TASK_METRICS_DEFAULT_MINUTES=5,
        TASK_METRICS_MAX_MINUTES=10,
        TASK_METRICS_REQUEST_ID_HEADER="X-Correlation-Id",
        TASK_METRICS_LOG_REQUESTS="none",
    )
    db = flask_sqlalchemy.SQLAlchemy(model_class=Base, engine_options=UNPOOLED)
    task_metrics = TaskMetrics(db, Task)
    for app in (first, second):
        db.init_app(app)
        task_metrics.init_app(app)
    return first, second


def test_two_apps_read_each_its_database(two_apps: tuple[Flask, Flask]) -> None:
    first, second = two_apps

    assert (MAIN, REPLICA) == (
        queued_in(first),
        queued_in(second, OTHER_PATH, OTHER_HEADERS),
    )


@pytest.mark.parametrize(
    ("position", "path", "headers", "status"),
    [
        (0, PATH, HEADERS, 200),
        (0, PATH, OTHER_HEADERS, 401),
        (0, OTHER_PATH, HEADERS, 404),
        (1, OTHER_PATH, OTHER_HEADERS, 200),
        (1, OTHER_PATH, HEADERS, 401),
        (1, PATH, OTHER_HEADERS, 404),
        (0, f"{PATH}?minutes=11", HEADERS, 200),
        (1, f"{OTHER_PATH}?minutes=11", OTHER_HEADERS, 422),
    ],
)
def test_two_apps_have_each_its_secret_prefix_and_minutes(
    two_apps: tuple[Flask, Flask], position: int, path: str, headers: dict[str, str], status: int
) -> None:
    client = two_apps[position].test_client()

    assert status == client.get(path, headers=headers).status_code


@pytest.mark.parametrize(
    ("position", "sent", "other"),
    [(0, "X-Request-Id", "X-Correlation-Id"), (1, "X-Correlation-Id", "X-Request-Id")],
)
def test_two_apps_have_each_its_request_id_header(
    two_apps: tuple[Flask, Flask], position: int, sent: str, other: str
) -> None:
    headers = two_apps[position].test_client().get("/").headers

    assert (True, False) == (sent in headers, other in headers)


def test_two_apps_log_each_its_requests(
    two_apps: tuple[Flask, Flask], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flask_task_metrics")
    for app in two_apps:
        app.test_client().get(f"/{app.name}")

    assert ["path=/first"] == [message.split()[4] for message in caplog.messages]


def test_the_default_minutes_of_an_app_are_not_those_of_another(
    two_apps: tuple[Flask, Flask],
) -> None:
    two_apps[0].test_client().get(PATH, headers=HEADERS)
    answer = two_apps[1].test_client().get(OTHER_PATH, headers=OTHER_HEADERS)

    assert 5 == json.loads(answer.data)["window"]["minutes"]


def test_two_apps_may_have_a_source_each(two_database_config: dict[str, Any]) -> None:
    first, second = (
        create_app(two_database_config, "first"),
        create_app(two_database_config, "second"),
    )
    TaskMetrics(flask_sqlalchemy_of(first), Task, app=first)
    running_is_queued = TaskSource(Task, statuses={"queued": "running"})
    TaskMetrics(flask_sqlalchemy_of(second), running_is_queued, app=second)

    assert (MAIN, 0) == (queued_in(first), queued_in(second))


def test_two_apps_may_read_the_same_sources_from_binds_of_their_own(
    two_database_config: dict[str, Any],
) -> None:
    first = create_app(two_database_config, "first")
    second = create_app(two_database_config, "second", TASK_METRICS_BIND_KEY={"videos": "replica"})
    db = flask_sqlalchemy.SQLAlchemy(model_class=Base, engine_options=UNPOOLED)
    task_metrics = TaskMetrics(db, {"videos": Task, "imports": Task})
    for app in (first, second):
        db.init_app(app)
        task_metrics.init_app(app)

    assert [(MAIN, MAIN), (REPLICA, MAIN)] == [
        (queued_in(app), queued_in(app, f"{PATH}?source=imports")) for app in (first, second)
    ]
