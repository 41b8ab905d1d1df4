"""The command's output builds the indexes: SQL in the database's own client, and a migration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import TaskSource, recommended_indexes
from tests.support.clients import run_in_client
from tests.support.commands import NAMES, indexes, states
from tests.support.databases import on
from tests.support.host import Base, create_host, dispose_engines, snapshot_of
from tests.support.jobs import COLUMNS, job_table, store
from tests.support.migrations import Migration

Build: TypeAlias = Callable[[Flask, sa.Engine], None]


def build_by_client(app: Flask, engine: sa.Engine, folder: Path) -> None:
    finished = run_in_client(engine.url, indexes(app).output)
    assert (0, "") == (finished.returncode, finished.stderr)


def build_by_alembic(app: Flask, engine: sa.Engine, folder: Path) -> None:
    Migration(folder / "migrations", engine, indexes(app, "--alembic").output).upgrade()


@pytest.fixture(params=[build_by_client, build_by_alembic])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    """Build the indexes by what the command prints, in either way."""
    return lambda app, engine: request.param(app, engine, tmp_path)


def test_missing_indexes_are_built_once(app: Flask, engine: sa.Engine, build: Build) -> None:
    assert ["missing"] * 3 == states(app)
    build(app, engine)
    assert ["there"] * 3 == states(app)
    again = indexes(app)
    assert (0, [f"-- {name}: there" for name in NAMES]) == (
        again.exit_code,
        again.output.splitlines(),
    )


def test_figures_are_the_same_with_the_indexes_and_without(
    engine: sa.Engine, database_url: str, build: Build
) -> None:
    table = job_table()
    store(engine, table)
    before = snapshot_of(engine, table)
    app = create_host(database_url, table)
    build(app, engine)
    assert (["there"] * 3, before) == (states(app), snapshot_of(engine, table))
    dispose_engines(app)


def test_table_in_a_schema_gets_its_indexes(
    engine: sa.Engine, database_url: str, build: Build
) -> None:
    # To MySQL and MariaDB a schema is a database.
    schemas = {"sqlite": "main", "postgresql": "public"}
    schema = schemas.get(engine.dialect.name, str(engine.url.database))
    table = job_table().to_metadata(sa.MetaData(), schema=schema)
    store(engine, table)
    app = create_host(database_url, table)
    assert ["missing"] * 3 == states(app)
    build(app, engine)
    assert ["there"] * 3 == states(app)
    dispose_engines(app)


def test_names_may_hold_percent_signs(engine: sa.Engine, database_url: str, build: Build) -> None:
    columns = (sa.Column(f"{name} %", COLUMNS[name], key=name) for name in COLUMNS)
    table = sa.Table("jobs 100%", sa.MetaData(), *columns)
    table.create(engine)
    app = create_host(database_url, table)
    build(app, engine)
    names = {index["name"] for index in sa.inspect(engine).get_indexes("jobs 100%")}
    assert (["there"] * 3, {index.name for index in recommended_indexes(TaskSource(table))}) == (
        states(app),
        names,
    )
    dispose_engines(app)


@on("sqlite", "postgresql", "mysql")
@pytest.mark.parametrize("message", ["50%% done%", r'50 \:done "at" 10:30%'])
def test_expressions_may_hold_percent_signs_and_colons(
    engine: sa.Engine, database_url: str, build: Build, message: str
) -> None:
    table = job_table()
    store(engine, table)
    status = sa.case((table.c.error_message.like(message), "completed"), else_=table.c.status)
    source = TaskSource(table, status=status)
    app = create_host(database_url, source)
    build(app, engine)
    _, index, _ = recommended_indexes(source)
    statement = sa.text(DEFINITION[engine.dialect.name])
    with engine.connect() as connection:
        definition = connection.scalar(statement, {"name": index.name})
    assert (["there"] * 3, True) == (states(app), f"'{message}'" in str(definition))
    dispose_engines(app)


DEFINITION = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE name = :name",
    "postgresql": "SELECT pg_get_indexdef(to_regclass(:name))",
    # The catalog escapes a definition, in which a backslash of the text is escaped already.
    "mysql": r"""SELECT replace(replace(expression, '\\\\\\\\', '\\'), '\\''', '''')
        FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND index_name = :name
        AND seq_in_index = 1""",
}


def job_host(engine: sa.Engine, database_url: str) -> Flask:
    """Create a host whose tasks were updated when an expression says."""
    table = job_table(status=sa.Text())
    store(engine, table)
    updated_at = sa.func.coalesce(table.c.updated_at, table.c.created_at)
    return create_host(database_url, TaskSource(table, updated_at=updated_at))


@on("sqlite", "postgresql", "mysql")
def test_expressions_are_indexed(engine: sa.Engine, database_url: str, build: Build) -> None:
    app = job_host(engine, database_url)
    build(app, engine)
    assert ["there"] * 3 == states(app)
    dispose_engines(app)


@on("mariadb")
def test_where_expressions_can_not_be_indexed_the_other_indexes_are_built(
    engine: sa.Engine, database_url: str, build: Build
) -> None:
    app = job_host(engine, database_url)
    build(app, engine)
    assert ["there", "there"] == [state for state in states(app) if "MariaDB" not in state]
    dispose_engines(app)


def test_indexes_are_built_where_the_table_is_and_not_on_its_replica(
    tmp_path: Path, build: Build
) -> None:
    urls = {name: f"sqlite:///{tmp_path / name}.db" for name in ("primary", "replica")}
    app = create_host(
        urls["primary"],
        SQLALCHEMY_BINDS={"replica": urls["replica"]},
        TASK_METRICS_BIND_KEY="replica",
    )
    with app.app_context():
        engines = app.extensions["sqlalchemy"].engines
        for engine in engines.values():
            Base.metadata.create_all(engine)
        build(app, engines[None])
        there = {
            key: len(sa.inspect(engine).get_indexes("tasks")) for key, engine in engines.items()
        }
    assert {None: 3, "replica": 0} == there
    dispose_engines(app)


@on("sqlite")
def test_a_writer_of_sqlite_keeps_the_indexes_from_being_built(
    app: Flask, engine: sa.Engine
) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        finished = run_in_client(engine.url, indexes(app).output)
    assert "database is locked" in finished.stderr
    assert ["missing"] * 3 == states(app)
