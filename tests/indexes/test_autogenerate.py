"""Indexes in the models, and the migrations that Flask-Migrate writes by Alembic's autogenerate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from flask_task_metrics import TaskMetrics, TaskSource, add_recommended_indexes
from flask_task_metrics.indexes.origins import task_table
from tests.support.commands import build_indexes, states
from tests.support.databases import on
from tests.support.host import SECRET, dispose_engines, engine_of
from tests.support.jobs import COLUMNS, job_table
from tests.support.migrations import Autogenerate
from tests.support.pages import code

# Flask-Migrate tries the way of an older Flask-SQLAlchemy first.
pytestmark = pytest.mark.filterwarnings("ignore:'get_engine' is deprecated:DeprecationWarning")


def plain_columns() -> TaskSource:
    return TaskSource(job_table())


def declared_in_part() -> TaskSource:
    """Return a source whose models declare an index that is recommended, and one that covers it."""
    columns = (
        sa.Column(name, column_type, primary_key=name == "id", index=name == "created_at")
        for name, column_type in COLUMNS.items()
    )
    by_hand = sa.Index("by_hand", "status", "updated_at", "id")
    return TaskSource(sa.Table("jobs", sa.MetaData(), *columns, by_hand))


def long_statuses() -> TaskSource:
    """Return a source of whose statuses MySQL and MariaDB index the start."""
    return TaskSource(job_table(status=sa.Text()))


def expressions() -> TaskSource:
    """Return a source whose expressions PostgreSQL and MySQL store in other words."""
    jobs = job_table()
    status = sa.case((jobs.c.completed_at.is_not(None), "a:b"), (jobs.c.status == "%", "done"))
    updated_at = sa.func.coalesce(jobs.c.updated_at, jobs.c.created_at)
    return TaskSource(jobs, status=status, updated_at=updated_at, statuses={"completed": "a:b"})


Make: TypeAlias = Callable[[], TaskSource]


@pytest.fixture(params=[plain_columns, declared_in_part, long_statuses])
def source(request: pytest.FixtureRequest) -> TaskSource:
    """Return a source without the recommended indexes in its models."""
    make: Make = request.param
    return make()


@pytest.fixture
def job_app(database_url: str, source: TaskSource) -> Iterator[Flask]:
    """Return a host of the source that has Flask-Migrate, as the docs have it."""
    [_, settings, *_] = code("docs/how-to/indexes.md", "python")
    shown: dict[str, Any] = {}
    exec(settings, shown)  # noqa: S102 - the documentation's own
    app = Flask("host")
    app.config.update(SQLALCHEMY_DATABASE_URI=database_url, TASK_METRICS_ADMIN_SECRET=SECRET)
    db = SQLAlchemy(app, metadata=task_table(source).metadata)
    Migrate(app, db, include_object=shown["include_object"])
    TaskMetrics(db, source, app=app)
    yield app
    dispose_engines(app)


@pytest.fixture
def autogenerate(job_app: Flask, tmp_path: Path) -> Autogenerate:
    """Return the host's migrations, of which there are none yet."""
    return Autogenerate(job_app, tmp_path / "migrations")


def test_the_second_migration_finds_nothing_to_do(
    job_app: Flask, source: TaskSource, autogenerate: Autogenerate
) -> None:
    add_recommended_indexes(source)
    assert "op.create_index" in autogenerate.migrate()
    assert {"there"} >= set(states(job_app)) - {"covered by by_hand"}
    assert "" == autogenerate.migrate()


def test_a_migration_keeps_the_indexes_that_the_printed_sql_built(
    job_app: Flask, source: TaskSource, autogenerate: Autogenerate
) -> None:
    assert "op.create_table" in autogenerate.migrate()
    build_indexes(job_app, engine_of(job_app))
    add_recommended_indexes(source)
    assert "" == autogenerate.migrate()
    assert {"there"} >= set(states(job_app)) - {"covered by by_hand"}


# SQLAlchemy and Alembic leave SQLite's indexes on expressions alone, and say so.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based")
@on("sqlite", "postgresql", "mysql")
@pytest.mark.parametrize("source", [expressions], indirect=True)
def test_a_migration_keeps_indexes_on_expressions(
    job_app: Flask, source: TaskSource, autogenerate: Autogenerate
) -> None:
    autogenerate.migrate()
    build_indexes(job_app, engine_of(job_app))
    add_recommended_indexes(source)
    assert "" == autogenerate.migrate()
    assert ["there"] * 3 == states(job_app)


@on("postgresql", "mysql")
@pytest.mark.parametrize("source", [expressions], indirect=True)
def test_a_migration_builds_indexes_on_expressions_once(
    job_app: Flask, source: TaskSource, autogenerate: Autogenerate
) -> None:
    add_recommended_indexes(source)
    assert "op.create_index" in autogenerate.migrate()
    assert ["there"] * 3 == states(job_app)
    assert "" == autogenerate.migrate()
