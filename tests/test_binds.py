"""The database that is read is that of the extension, the bind or the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask_sqlalchemy
import pytest
import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import TaskMetrics, TaskSource
from tests.support.host import PATH, Task
from tests.support.two_databases import (
    BIND_KEY,
    MAIN,
    REPLICA,
    UNPOOLED,
    create_app,
    each_db,
    each_db_with_binds,
    engine_to,
    flask_sqlalchemy_lite_of,
    flask_sqlalchemy_of,
    queued_in,
    refusal_at_start,
    replicated_tasks,
)


@each_db
def test_the_database_is_that_of_the_extension_or_engine(
    two_database_config: dict[str, Any], db_of: Callable[[Flask], Any]
) -> None:
    app = create_app(two_database_config)
    TaskMetrics(db_of(app), Task, app=app)

    assert MAIN == queued_in(app)


@each_db_with_binds
def test_the_bind_is_the_one_configured(
    two_database_config: dict[str, Any], db_of: Callable[[Flask], Any]
) -> None:
    app = create_app(two_database_config, TASK_METRICS_BIND_KEY="replica")
    TaskMetrics(db_of(app), Task, app=app)

    assert REPLICA == queued_in(app)


@each_db_with_binds
def test_the_bind_is_that_of_the_table_by_default(
    two_database_config: dict[str, Any], db_of: Callable[[Flask], Any]
) -> None:
    app = create_app(two_database_config)
    TaskMetrics(db_of(app), replicated_tasks, app=app)

    assert REPLICA == queued_in(app)


def test_the_bind_is_that_of_the_model_by_default(two_database_config: dict[str, Any]) -> None:
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

    app = create_app(two_database_config)
    db.init_app(app)
    TaskMetrics(db, VideoTask, app=app)

    assert REPLICA == queued_in(app)


def test_the_bind_configured_comes_before_that_of_the_table(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config, TASK_METRICS_BIND_KEY="default")
    TaskMetrics(flask_sqlalchemy_lite_of(app), replicated_tasks, app=app)

    assert MAIN == queued_in(app)


@pytest.mark.parametrize(
    ("db_of", "binds"),
    [(flask_sqlalchemy_of, "replica, the default"), (flask_sqlalchemy_lite_of, "default, replica")],
)
def test_an_unknown_bind_is_refused_with_those_there_are(
    two_database_config: dict[str, Any], db_of: Callable[[Flask], Any], binds: str
) -> None:
    app = create_app(two_database_config, TASK_METRICS_BIND_KEY="backup")
    message = f"the bind to read is backup, but there is only: {binds}; name one in {BIND_KEY}"

    assert message == refusal_at_start(app, db_of(app))


def test_a_bind_of_an_engine_is_refused(two_database_config: dict[str, Any]) -> None:
    app = create_app(two_database_config, TASK_METRICS_BIND_KEY="replica")
    message = f"{BIND_KEY} is 'replica', but db is an Engine, which has no binds"

    assert message == refusal_at_start(app, engine_to(app))


def test_an_engine_is_read_whatever_bind_the_table_has(two_database_config: dict[str, Any]) -> None:
    app = create_app(two_database_config)
    TaskMetrics(engine_to(app), replicated_tasks, app=app)

    assert MAIN == queued_in(app)


@each_db_with_binds
def test_each_of_several_sources_is_read_from_the_bind_of_its_table(
    two_database_config: dict[str, Any], db_of: Callable[[Flask], Any]
) -> None:
    app = create_app(two_database_config)
    TaskMetrics(db_of(app), {"videos": Task, "imports": replicated_tasks}, app=app)

    assert [MAIN, REPLICA] == queued_by_source(app)


@each_db_with_binds
def test_each_of_several_sources_may_have_a_configured_bind(
    two_database_config: dict[str, Any], db_of: Callable[[Flask], Any]
) -> None:
    app = create_app(two_database_config, TASK_METRICS_BIND_KEY={"imports": "replica"})
    TaskMetrics(db_of(app), {"videos": Task, "imports": TaskSource(Task)}, app=app)

    assert [MAIN, REPLICA] == queued_by_source(app)


def test_one_configured_bind_is_for_all_sources_of_the_same_bind(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config, TASK_METRICS_BIND_KEY="replica")
    TaskMetrics(flask_sqlalchemy_of(app), {"videos": Task, "imports": Task}, app=app)

    assert [REPLICA, REPLICA] == queued_by_source(app)


def test_one_configured_bind_for_sources_of_several_binds_is_refused(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config, TASK_METRICS_BIND_KEY="replica")
    sources = {"videos": Task, "imports": replicated_tasks}
    message = (
        f"{BIND_KEY} is 'replica', but the sources are in several binds (videos in the default, "
        "imports in replica); it must be a mapping, such as {'videos': 'replica'}"
    )

    assert message == refusal_at_start(app, flask_sqlalchemy_of(app), sources)


@pytest.mark.parametrize(
    ("source", "there_are"),
    [
        (Task, "one, without a name"),
        ({"videos": Task}, "videos"),
        ({"videos": Task, "imports": Task}, "videos, imports"),
    ],
)
def test_a_bind_for_an_unknown_source_is_refused_with_those_there_are(
    two_database_config: dict[str, Any], source: Any, there_are: str
) -> None:
    binds = {"video": "replica", "mail": "replica"}
    app = create_app(two_database_config, TASK_METRICS_BIND_KEY=binds)
    message = f"{BIND_KEY} names 'mail', 'video', but the sources are: {there_are}"

    assert message == refusal_at_start(app, flask_sqlalchemy_of(app), source)


def test_an_unknown_bind_of_one_of_several_sources_is_refused_with_its_name(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config, TASK_METRICS_BIND_KEY={"imports": "backup"})
    refusal = refusal_at_start(app, flask_sqlalchemy_of(app), {"videos": Task, "imports": Task})

    assert refusal.startswith("source 'imports': the bind to read is backup, but there is only: ")


def test_an_engine_is_read_by_all_sources_whatever_bind_their_tables_have(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config)
    TaskMetrics(engine_to(app), {"videos": Task, "imports": replicated_tasks}, app=app)

    assert [MAIN, MAIN] == queued_by_source(app)


def queued_by_source(app: Flask) -> list[int]:
    """Ask for a snapshot of `videos` and of `imports`, and return their queued tasks."""
    return [queued_in(app, f"{PATH}?source={name}") for name in ("videos", "imports")]
