"""`TaskMetrics` is mounted on an app once, and leaves a host that it refuses as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import flask_sqlalchemy
import flask_sqlalchemy_lite
import pytest
import sqlalchemy as sa
from flask import Blueprint, Flask

from flask_task_metrics import ConfigurationError, TaskMetrics, TaskSource
from tests.support.host import HEADERS, PATH, Task
from tests.support.two_databases import (
    BIND_KEY,
    MAIN,
    create_app,
    each_db,
    engine_to,
    flask_sqlalchemy_of,
    queued_in,
    refusal_at_start,
)


def parts_of(app: Flask) -> tuple[Any, ...]:
    """Return the parts that an extension may add to an app, and the headers of an answer."""
    answer = app.test_client().get(PATH, headers=HEADERS)
    functions = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    return app.extensions, *functions, list(app.url_map.iter_rules()), answer.headers


@each_db
def test_an_application_factory_mounts_it_by_init_app(
    two_database_config: dict[str, Any], db_of: Callable[[Flask], Any]
) -> None:
    app = create_app(two_database_config)
    TaskMetrics(db_of(app), Task).init_app(app)

    assert MAIN == queued_in(app)


def test_nothing_is_mounted_before_init_app(two_database_config: dict[str, Any]) -> None:
    app = create_app(two_database_config)
    TaskMetrics(flask_sqlalchemy_of(app), Task)

    assert 404 == app.test_client().get(PATH, headers=HEADERS).status_code


@pytest.mark.parametrize("source", [Task, Task.__table__, TaskSource(Task)])
def test_the_source_may_be_a_model_or_a_table_as_it_is(
    two_database_config: dict[str, Any], source: Any
) -> None:
    app = create_app(two_database_config)
    TaskMetrics(flask_sqlalchemy_of(app), source, app=app)

    assert MAIN == queued_in(app)


@pytest.mark.parametrize(
    "db", [flask_sqlalchemy.SQLAlchemy(), flask_sqlalchemy_lite.SQLAlchemy()], ids=["", "lite"]
)
def test_an_extension_that_is_not_set_up_yet_is_refused(
    two_database_config: dict[str, Any], db: Any
) -> None:
    message = "db is not set up on this app; call db.init_app(app) before TaskMetrics.init_app(app)"

    assert message == refusal_at_start(create_app(two_database_config), db)


@pytest.mark.parametrize("db", [None, 5, Flask("host"), flask_sqlalchemy.SQLAlchemy], ids=repr)
def test_what_is_no_database_is_refused(two_database_config: dict[str, Any], db: Any) -> None:
    must_be = "it must be a Flask-SQLAlchemy extension or a SQLAlchemy Engine"
    message = f"db is of type {type(db).__name__}; {must_be}"

    assert message == refusal_at_start(create_app(two_database_config), db)


def test_a_database_url_is_refused_without_its_password(
    two_database_config: dict[str, Any],
) -> None:
    url = "postgresql://user:opensesame@localhost/tasks"

    assert "opensesame" not in refusal_at_start(create_app(two_database_config), url)


def test_a_database_that_is_not_supported_is_refused(two_database_config: dict[str, Any]) -> None:
    # The driver is never called, so any will do.
    engine = sa.create_engine("mssql+pymssql://", module=sqlite3)
    message = "the database is mssql; it must be one of postgresql, mysql, mariadb, sqlite"

    assert message == refusal_at_start(create_app(two_database_config), engine)


@pytest.mark.parametrize(
    ("driver", "found", "right"),
    [
        ("postgresql+asyncpg", "asyncpg, asynchronous", "psycopg or psycopg2"),
        ("postgresql+pg8000", "pg8000", "psycopg or psycopg2"),
        ("mysql+aiomysql", "aiomysql, asynchronous", "pymysql or mysqldb"),
        ("mysql+mysqlconnector", "mysqlconnector", "pymysql or mysqldb"),
        ("mariadb+mariadbconnector", "mariadbconnector", "pymysql or mysqldb"),
    ],
)
def test_a_driver_that_is_not_supported_is_refused(
    two_database_config: dict[str, Any], driver: str, found: str, right: str
) -> None:
    # The driver is never called, so any will do.
    engine = sa.create_engine(f"{driver}://", module=sqlite3)
    message = f"the database's driver is {found}; it must be {right}, synchronous"

    assert message == refusal_at_start(create_app(two_database_config), engine)


def test_the_asynchronous_engine_of_a_supported_driver_is_refused(
    two_database_config: dict[str, Any],
) -> None:
    engine = sa.create_engine("postgresql+psycopg_async://")
    message = (
        "the database's driver is psycopg, asynchronous; "
        "it must be psycopg or psycopg2, synchronous"
    )

    assert message == refusal_at_start(create_app(two_database_config), engine)


def test_a_source_that_can_not_be_is_refused(two_database_config: dict[str, Any]) -> None:
    app = create_app(two_database_config)
    message = "the source is 'tasks'; it must be a model, a Table, a view or a subquery"

    assert message == refusal_at_start(app, engine_to(app), "tasks")


def test_a_source_is_looked_into_by_init_app() -> None:
    assert isinstance(TaskMetrics(None, TaskSource(Task, status="state")), TaskMetrics)


def test_what_reads_error_codes_must_be_a_function() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        TaskMetrics(None, Task, error_code_of="nope")  # type: ignore[arg-type]  # what is wrong

    message = "error_code_of is 'nope'; it must be a function from a message to its code"
    assert message == str(refusal.value)


@pytest.mark.parametrize("name", ["a", "7", "videos", "Imports.v2", "mail_out-box", "x" * 64])
def test_a_source_has_a_name_that_needs_no_escape(
    two_database_config: dict[str, Any], name: str
) -> None:
    app = create_app(two_database_config)
    TaskMetrics(flask_sqlalchemy_of(app), {"videos_": Task, name: Task}, app=app)

    assert MAIN == queued_in(app, f"{PATH}?source={name}")


@pytest.mark.parametrize(
    "name",
    ["", ".", "-all", "_x", "a b", "a/b", "a&b", 'a"b', "a=b", "a\n", "größe", "x" * 65, None, 7],
)
def test_another_name_of_a_source_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        TaskMetrics(None, {"videos": Task, name: Task})

    message = (
        f"a source is named {name!r}; a name has 1 to 64 characters of [A-Za-z0-9._-], "
        "and begins with a letter or a digit"
    )
    assert message == str(refusal.value)


def test_a_mapping_without_a_source_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        TaskMetrics(None, {})

    message = "source is {}; a mapping needs a source, such as {'videos': VideoTask}"
    assert message == str(refusal.value)


def test_a_refused_source_of_several_is_told_by_its_name(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config)
    sources = {"videos": Task, "imports": TaskSource(Task, status="state")}

    refusal = refusal_at_start(app, engine_to(app), sources)
    assert refusal.startswith("source 'imports': status is mapped to 'state'")


def test_a_mapping_may_change_once_it_was_given(two_database_config: dict[str, Any]) -> None:
    app = create_app(two_database_config)
    sources = {"videos": Task}
    task_metrics = TaskMetrics(engine_to(app), sources)
    sources.clear()
    task_metrics.init_app(app)

    assert MAIN == queued_in(app)


def test_a_host_with_a_blueprint_of_the_same_name_is_left_as_it_was(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config)
    app.register_blueprint(Blueprint("task_metrics", __name__))
    alone = create_app(two_database_config)

    with pytest.raises(ValueError, match="task_metrics"):
        TaskMetrics(engine_to(app), Task, app=app)

    assert parts_of(alone) == parts_of(app)


@pytest.mark.parametrize(
    ("source", "more"),
    [(Task, {"TASK_METRICS_TOP_ERRORS": 0}), (Task, {BIND_KEY: "backup"}), ("tasks", {})],
    ids=["setting", "bind", "source"],
)
def test_an_app_that_was_refused_is_left_as_it_was(
    two_database_config: dict[str, Any], source: Any, more: dict[str, Any]
) -> None:
    app, alone = create_app(two_database_config, **more), create_app(two_database_config)
    refusal_at_start(app, engine_to(app), source)

    assert parts_of(alone) == parts_of(app)


def test_an_app_has_one_and_no_more(two_database_config: dict[str, Any]) -> None:
    app = create_app(two_database_config)
    task_metrics = TaskMetrics(engine_to(app), Task, app=app)

    with pytest.raises(ConfigurationError) as refusal:
        task_metrics.init_app(app)

    message = "a TaskMetrics is already mounted on 'host'; an app can have one"
    assert message == str(refusal.value)


def test_an_app_has_no_other_besides(two_database_config: dict[str, Any]) -> None:
    app = create_app(two_database_config)
    TaskMetrics(engine_to(app), Task, app=app)
    message = "a TaskMetrics is already mounted on 'host'; an app can have one"

    assert message == refusal_at_start(app, engine_to(app))


def test_an_app_whose_configuration_was_refused_may_be_mounted_once_it_is_right(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config, TASK_METRICS_TOP_ERRORS=0)
    refusal_at_start(app, engine_to(app))
    app.config["TASK_METRICS_TOP_ERRORS"] = 5
    TaskMetrics(engine_to(app), Task, app=app)

    assert MAIN == queued_in(app)


def test_an_endpoint_s_path_that_is_taken_is_refused() -> None:
    app = Flask("host")
    app.add_url_rule("/api/admin/metrics", view_func=lambda: "the host's")
    with pytest.raises(ConfigurationError) as refusal:
        TaskMetrics(sa.create_engine("sqlite://"), Task, app=app)

    message = (
        "'host' has a route /api/admin/metrics already; choose another TASK_METRICS_URL_PREFIX"
    )
    assert message == str(refusal.value)
