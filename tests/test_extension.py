"""`TaskMetrics`: what it mounts on, which database it reads, and the snapshot without HTTP."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import flask_sqlalchemy
import flask_sqlalchemy_lite
import pytest
import sqlalchemy as sa
from flask import Blueprint, Flask
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    Unauthorized,
    UnprocessableEntity,
)

from flask_task_metrics import (
    AdminUnauthorized,
    ConfigurationError,
    InvalidMetricError,
    InvalidQuery,
    InvalidWindowError,
    MetricsError,
    MetricsTimeout,
    MetricsUnavailable,
    Snapshot,
    TaskMetrics,
    TaskMetricsError,
    TaskSource,
    Window,
)

from .host import HEADERS, NOW, PATH, SECRET, Base, Task, add_tasks

UNPOOLED = {"poolclass": sa.NullPool}
"""Leaves no connection behind that a test would have to close."""

MAIN, REPLICA = 1, 2
"""How many tasks are queued in each of the databases."""

BIND_KEY = "TASK_METRICS_BIND_KEY"

OTHER_SECRET = "the secret of another app"  # noqa: S105 - the tests' own
OTHER_HEADERS = {"X-Admin-Secret": OTHER_SECRET}
OTHER_PATH = "/ops/metrics-snapshot"

replicated_tasks = Task.metadata.tables["tasks"].to_metadata(
    sa.MetaData(info={"bind_key": "replica"})
)


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """The configuration of a host that has two databases."""
    urls = {name: f"sqlite:///{tmp_path / name}.db" for name in ("main", "replica")}
    for url, tasks in ((urls["main"], MAIN), (urls["replica"], REPLICA)):
        engine = sa.create_engine(url, **UNPOOLED)
        Base.metadata.create_all(engine)
        add_tasks(engine, *[{"status": "queued"}] * tasks)
    return {
        "SQLALCHEMY_DATABASE_URI": urls["main"],
        "SQLALCHEMY_BINDS": {"replica": urls["replica"]},
        "SQLALCHEMY_ENGINES": {"default": urls["main"], "replica": urls["replica"]},
        "TASK_METRICS_ADMIN_SECRET": SECRET,
    }


def create_app(config: dict[str, Any], name: str = "host", **more: Any) -> Flask:
    app = Flask(name)
    app.config.update(config | more)
    return app


def flask_sqlalchemy_of(app: Flask) -> flask_sqlalchemy.SQLAlchemy:
    return flask_sqlalchemy.SQLAlchemy(app, model_class=Base, engine_options=UNPOOLED)


def flask_sqlalchemy_lite_of(app: Flask) -> flask_sqlalchemy_lite.SQLAlchemy:
    return flask_sqlalchemy_lite.SQLAlchemy(app, engine_options=UNPOOLED)


def engine_of(app: Flask) -> sa.Engine:
    return sa.create_engine(app.config["SQLALCHEMY_DATABASE_URI"], **UNPOOLED)


each_db = pytest.mark.parametrize(
    "db_of", [flask_sqlalchemy_of, flask_sqlalchemy_lite_of, engine_of]
)
each_db_with_binds = pytest.mark.parametrize(
    "db_of", [flask_sqlalchemy_of, flask_sqlalchemy_lite_of]
)


def queued(app: Flask, path: str = PATH, headers: dict[str, str] = HEADERS) -> int:
    """How many queued tasks the snapshot tells of."""
    body = json.loads(app.test_client().get(path, headers=headers).data)
    return int(body["backlog"]["queued"]["count"])


def parts_of(app: Flask) -> tuple[Any, ...]:
    """What an extension may add to an app, and the headers of an answer."""
    answer = app.test_client().get(PATH, headers=HEADERS)
    functions = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    return app.extensions, *functions, list(app.url_map.iter_rules()), answer.headers


def refusal_of(app: Flask, db: Any, source: Any = Task) -> str:
    """What a host is told at start whose database can't be read."""
    with pytest.raises(ConfigurationError) as refusal:
        TaskMetrics(db, source, app=app)
    return str(refusal.value)


@each_db
def test_the_database_is_that_of_the_extension_or_engine(
    config: dict[str, Any], db_of: Callable[[Flask], Any]
) -> None:
    app = create_app(config)
    TaskMetrics(db_of(app), Task, app=app)

    assert MAIN == queued(app)


@each_db
def test_an_application_factory_mounts_it_by_init_app(
    config: dict[str, Any], db_of: Callable[[Flask], Any]
) -> None:
    app = create_app(config)
    TaskMetrics(db_of(app), Task).init_app(app)

    assert MAIN == queued(app)


def test_nothing_is_mounted_before_init_app(config: dict[str, Any]) -> None:
    app = create_app(config)
    TaskMetrics(flask_sqlalchemy_of(app), Task)

    assert 404 == app.test_client().get(PATH, headers=HEADERS).status_code


@pytest.mark.parametrize("source", [Task, Task.__table__, TaskSource(Task)])
def test_the_source_may_be_a_model_or_a_table_as_it_is(config: dict[str, Any], source: Any) -> None:
    app = create_app(config)
    TaskMetrics(flask_sqlalchemy_of(app), source, app=app)

    assert MAIN == queued(app)


@each_db_with_binds
def test_the_bind_is_the_one_configured(
    config: dict[str, Any], db_of: Callable[[Flask], Any]
) -> None:
    app = create_app(config, TASK_METRICS_BIND_KEY="replica")
    TaskMetrics(db_of(app), Task, app=app)

    assert REPLICA == queued(app)


@each_db_with_binds
def test_the_bind_is_that_of_the_table_by_default(
    config: dict[str, Any], db_of: Callable[[Flask], Any]
) -> None:
    app = create_app(config)
    TaskMetrics(db_of(app), replicated_tasks, app=app)

    assert REPLICA == queued(app)


def test_the_bind_is_that_of_the_model_by_default(config: dict[str, Any]) -> None:
    db = flask_sqlalchemy.SQLAlchemy(engine_options=UNPOOLED)

    class VideoTask(db.Model):  # type: ignore[name-defined,misc]  # made at run time
        __bind_key__ = "replica"
        __tablename__ = "tasks"
        id = sa.Column(sa.Integer, primary_key=True)
        status = sa.Column(sa.String(32))
        created_at = sa.Column(sa.DateTime)
        processing_at = sa.Column(sa.DateTime)
        completed_at = sa.Column(sa.DateTime)
        updated_at = sa.Column(sa.DateTime)
        error_message = sa.Column(sa.Text)

    app = create_app(config)
    db.init_app(app)
    TaskMetrics(db, VideoTask, app=app)

    assert REPLICA == queued(app)


def test_the_bind_configured_comes_before_that_of_the_table(config: dict[str, Any]) -> None:
    app = create_app(config, TASK_METRICS_BIND_KEY="default")
    TaskMetrics(flask_sqlalchemy_lite_of(app), replicated_tasks, app=app)

    assert MAIN == queued(app)


@pytest.mark.parametrize(
    ("db_of", "binds"),
    [(flask_sqlalchemy_of, "replica, the default"), (flask_sqlalchemy_lite_of, "default, replica")],
)
def test_an_unknown_bind_is_refused_with_those_there_are(
    config: dict[str, Any], db_of: Callable[[Flask], Any], binds: str
) -> None:
    app = create_app(config, TASK_METRICS_BIND_KEY="backup")
    message = f"the bind to read is backup, but there is only: {binds}; name one in {BIND_KEY}"

    assert message == refusal_of(app, db_of(app))


def test_a_bind_of_an_engine_is_refused(config: dict[str, Any]) -> None:
    app = create_app(config, TASK_METRICS_BIND_KEY="replica")
    message = f"{BIND_KEY} is 'replica', but db is an Engine, which has no binds"

    assert message == refusal_of(app, engine_of(app))


def test_an_engine_is_read_whatever_bind_the_table_has(config: dict[str, Any]) -> None:
    app = create_app(config)
    TaskMetrics(engine_of(app), replicated_tasks, app=app)

    assert MAIN == queued(app)


@pytest.mark.parametrize(
    "db", [flask_sqlalchemy.SQLAlchemy(), flask_sqlalchemy_lite.SQLAlchemy()], ids=["", "lite"]
)
def test_an_extension_that_is_not_set_up_yet_is_refused(config: dict[str, Any], db: Any) -> None:
    message = "db is not set up on this app; call db.init_app(app) before TaskMetrics.init_app(app)"

    assert message == refusal_of(create_app(config), db)


@pytest.mark.parametrize("db", [None, 5, Flask("host"), flask_sqlalchemy.SQLAlchemy], ids=repr)
def test_what_is_no_database_is_refused(config: dict[str, Any], db: Any) -> None:
    must_be = "it must be a Flask-SQLAlchemy extension or a SQLAlchemy Engine"
    message = f"db is of type {type(db).__name__}; {must_be}"

    assert message == refusal_of(create_app(config), db)


def test_a_database_url_is_refused_without_its_password(config: dict[str, Any]) -> None:
    url = "postgresql://user:opensesame@localhost/tasks"

    assert "opensesame" not in refusal_of(create_app(config), url)


def test_a_database_that_is_not_supported_is_refused(config: dict[str, Any]) -> None:
    # The driver is never called, so any will do.
    engine = sa.create_engine("mssql+pymssql://", module=sqlite3)
    message = "the database is mssql; it must be one of postgresql, mysql, mariadb, sqlite"

    assert message == refusal_of(create_app(config), engine)


def test_a_source_that_can_not_be_is_refused(config: dict[str, Any]) -> None:
    app = create_app(config)
    message = "the source is 'tasks'; it must be a model, a Table, a view or a subquery"

    assert message == refusal_of(app, engine_of(app), "tasks")


def test_a_source_is_looked_into_by_init_app() -> None:
    assert isinstance(TaskMetrics(None, TaskSource(Task, status="state")), TaskMetrics)


def test_what_reads_error_codes_must_be_a_function() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        TaskMetrics(None, Task, error_code_of="nope")  # type: ignore[arg-type]  # what is wrong

    message = "error_code_of is 'nope'; it must be a function from a message to its code"
    assert message == str(refusal.value)


def test_a_host_with_a_blueprint_of_the_same_name_is_left_as_it_was(
    config: dict[str, Any],
) -> None:
    app = create_app(config)
    app.register_blueprint(Blueprint("task_metrics", __name__))
    alone = create_app(config)

    with pytest.raises(ValueError, match="task_metrics"):
        TaskMetrics(engine_of(app), Task, app=app)

    assert parts_of(alone) == parts_of(app)


@pytest.mark.parametrize(
    ("source", "more"),
    [(Task, {"TASK_METRICS_TOP_ERRORS": 0}), (Task, {BIND_KEY: "backup"}), ("tasks", {})],
    ids=["setting", "bind", "source"],
)
def test_an_app_that_was_refused_is_left_as_it_was(
    config: dict[str, Any], source: Any, more: dict[str, Any]
) -> None:
    app, alone = create_app(config, **more), create_app(config)
    refusal_of(app, engine_of(app), source)

    assert parts_of(alone) == parts_of(app)


def test_an_app_has_one_and_no_more(config: dict[str, Any]) -> None:
    app = create_app(config)
    task_metrics = TaskMetrics(engine_of(app), Task, app=app)

    with pytest.raises(ConfigurationError) as refusal:
        task_metrics.init_app(app)

    message = "a TaskMetrics is already mounted on 'host'; an app can have one"
    assert message == str(refusal.value)


def test_an_app_has_no_other_besides(config: dict[str, Any]) -> None:
    app = create_app(config)
    TaskMetrics(engine_of(app), Task, app=app)
    message = "a TaskMetrics is already mounted on 'host'; an app can have one"

    assert message == refusal_of(app, engine_of(app))


def test_an_app_whose_configuration_was_refused_may_be_mounted_once_it_is_right(
    config: dict[str, Any],
) -> None:
    app = create_app(config, TASK_METRICS_TOP_ERRORS=0)
    refusal_of(app, engine_of(app))
    app.config["TASK_METRICS_TOP_ERRORS"] = 5
    TaskMetrics(engine_of(app), Task, app=app)

    assert MAIN == queued(app)


@pytest.fixture
def two_apps(config: dict[str, Any]) -> tuple[Flask, Flask]:
    """Two apps that share one `TaskMetrics` and one extension, with settings all their own."""
    first = create_app(config, "first")
    second = create_app(
        config | {"SQLALCHEMY_DATABASE_URI": config["SQLALCHEMY_BINDS"]["replica"]},
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
        queued(first),
        queued(second, OTHER_PATH, OTHER_HEADERS),
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


def test_two_apps_may_have_a_source_each(config: dict[str, Any]) -> None:
    first, second = create_app(config, "first"), create_app(config, "second")
    TaskMetrics(flask_sqlalchemy_of(first), Task, app=first)
    running_is_queued = TaskSource(Task, statuses={"queued": "running"})
    TaskMetrics(flask_sqlalchemy_of(second), running_is_queued, app=second)

    assert (MAIN, 0) == (queued(first), queued(second))


@pytest.fixture
def snapshot(config: dict[str, Any]) -> Iterator[Callable[..., Snapshot]]:
    """`TaskMetrics.snapshot` inside the context of an app."""
    app = create_app(config, TASK_METRICS_MAX_MINUTES=100)
    task_metrics = TaskMetrics(flask_sqlalchemy_of(app), Task, app=app)
    with app.app_context():
        yield task_metrics.snapshot


def test_a_snapshot_is_to_be_had_without_http(snapshot: Callable[..., Snapshot]) -> None:
    assert MAIN == snapshot().backlog.queued.count


def test_a_snapshot_is_of_the_last_hour_by_default(snapshot: Callable[..., Snapshot]) -> None:
    assert 60 == snapshot().window.minutes


def test_a_snapshot_ends_now_by_default(snapshot: Callable[..., Snapshot]) -> None:
    before = datetime.now(timezone.utc).replace(microsecond=0)

    assert before <= snapshot().window.end <= datetime.now(timezone.utc)


@pytest.mark.parametrize(
    "now",
    [
        NOW,
        NOW + timedelta(microseconds=999_999),
        NOW.astimezone(timezone(timedelta(hours=5, minutes=30))),
        NOW.astimezone(timezone(-timedelta(hours=11))),
    ],
)
def test_a_snapshot_ends_at_the_whole_utc_second_of_now(
    snapshot: Callable[..., Snapshot], now: datetime
) -> None:
    assert Window(7, NOW - timedelta(minutes=7), NOW) == snapshot(7, now=now).window


@pytest.mark.parametrize("minutes", [0, -1, 101, "60", 60.0, None, True])
def test_minutes_that_can_not_be_are_refused(
    snapshot: Callable[..., Snapshot], minutes: Any
) -> None:
    with pytest.raises(InvalidWindowError) as refusal:
        snapshot(minutes)

    assert f"minutes is {minutes!r}; it must be a whole number, 1 to 100" == str(refusal.value)


def test_a_now_without_a_time_zone_is_refused(snapshot: Callable[..., Snapshot]) -> None:
    naive = NOW.replace(tzinfo=None)

    with pytest.raises(InvalidWindowError) as refusal:
        snapshot(now=naive)

    assert (
        f"now is {naive!r}, which has no time zone; pass an aware datetime, in UTC for one"
        == str(refusal.value)
    )


def test_a_snapshot_is_frozen(snapshot: Callable[..., Snapshot]) -> None:
    with pytest.raises(FrozenInstanceError):
        snapshot().tasks.created = 5  # type: ignore[misc]  # what must not be


def test_a_snapshot_needs_an_app_that_has_it(config: dict[str, Any]) -> None:
    app = create_app(config, "elsewhere")
    task_metrics = TaskMetrics(engine_of(app), Task)

    with app.app_context(), pytest.raises(ConfigurationError) as refusal:
        task_metrics.snapshot()

    message = "TaskMetrics is not mounted on 'elsewhere'; call its init_app(app) first"
    assert message == str(refusal.value)


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (ConfigurationError, (TaskMetricsError,)),
        (InvalidWindowError, (TaskMetricsError, ValueError)),
        (InvalidMetricError, (TaskMetricsError, ValueError)),
        (AdminUnauthorized, (TaskMetricsError, Unauthorized, HTTPException)),
        (InvalidQuery, (TaskMetricsError, UnprocessableEntity, HTTPException)),
        (MetricsUnavailable, (TaskMetricsError, ServiceUnavailable, HTTPException)),
        (MetricsTimeout, (TaskMetricsError, ServiceUnavailable, HTTPException)),
        (MetricsError, (TaskMetricsError, InternalServerError, HTTPException)),
    ],
)
def test_every_error_is_one_of_the_package_and_of_its_kind(
    error: type[Exception], bases: tuple[type[Exception], ...]
) -> None:
    assert [] == [base for base in bases if not issubclass(error, base)]
