"""The command shows the recommended indexes that are there, and the SQL of missing ones."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.dialects import mysql

from flask_task_metrics import TaskSource
from flask_task_metrics.indexes.ddl import create_online, drop_online, mysql_settings
from tests.support.commands import NAMES, build_indexes, indexes, shown_statements, states
from tests.support.databases import on, run
from tests.support.host import create_host, dispose_engines
from tests.support.jobs import job_table, store


def test_index_that_begins_with_the_same_columns_covers_it(app: Flask, engine: sa.Engine) -> None:
    run(engine, "CREATE INDEX by_hand ON tasks (status, updated_at, id)")
    assert ["missing", "covered by by_hand", "missing"] == states(app)


USELESS = {
    "sqlite": "CREATE INDEX by_hand ON tasks (created_at) WHERE status = 'failed'",
    "postgresql": "CREATE INDEX by_hand ON tasks (created_at) WHERE status = 'failed'",
    "mariadb": "CREATE INDEX by_hand ON tasks (created_at) IGNORED",
    "mysql": "CREATE INDEX by_hand ON tasks (created_at) INVISIBLE",
}


def test_index_that_queries_can_not_use_covers_none(app: Flask, engine: sa.Engine) -> None:
    run(engine, USELESS[engine.dialect.name])
    assert ["missing"] * 3 == states(app)


def test_index_on_other_columns_covers_none(app: Flask, engine: sa.Engine) -> None:
    run(engine, "CREATE INDEX by_hand ON tasks (status, id, updated_at)")
    assert ["missing"] * 3 == states(app)


@pytest.mark.parametrize(
    ("database_url", "key"),
    [
        ("mariadb", "status(31)"),
        ("mysql", "status(31)"),
        ("postgresql", 'status COLLATE "C"'),
        ("postgresql", "status varchar_pattern_ops"),
    ],
    indirect=["database_url"],
)
def test_index_on_the_start_of_a_column_or_in_another_order_covers_none(
    app: Flask, engine: sa.Engine, key: str
) -> None:
    run(engine, f"CREATE INDEX by_hand ON tasks ({key}, updated_at)")
    assert ["missing"] * 3 == states(app)


@on("mariadb", "mysql")
@pytest.mark.parametrize(("expected", "length"), [("missing", 63), ("covered by by_hand", 64)])
def test_index_on_the_start_of_a_long_text_must_be_as_long_as_the_recommended(
    engine: sa.Engine, database_url: str, expected: str, length: int
) -> None:
    table = job_table(status=sa.Text())
    store(engine, table)
    run(engine, f"CREATE INDEX by_hand ON jobs (status({length}), updated_at)")
    app = create_host(database_url, table)
    assert ["missing", expected, "missing"] == states(app)
    dispose_engines(app)


def test_another_index_with_the_name_is_told_in_a_line(app: Flask, engine: sa.Engine) -> None:
    run(engine, f"CREATE INDEX {NAMES[1]} ON tasks (id)")
    for options in ((), ("--alembic",)):
        result = indexes(app, *options)
        *_, last = result.output.splitlines()
        assert (1, ["missing"] * 3) == (result.exit_code, states(app))
        assert f"Error: tasks has another index named {NAMES[1]}; rename that" == last


def test_index_that_the_models_declare_is_not_built_by_another_name(
    engine: sa.Engine, database_url: str
) -> None:
    table = job_table()
    store(engine, table)
    table.append_constraint(sa.Index("ix_jobs_created_at", "created_at"))
    table.append_constraint(sa.Index("by_hand", "status", "updated_at", "id"))
    app = create_host(database_url, table)
    declared = "missing; create by_hand, which the models declare and which covers it"
    assert ["missing", declared, "missing"] == states(app)
    assert "by_hand" not in " ".join(shown_statements(app))
    dispose_engines(app)


@on("sqlite", "postgresql", "mysql")
def test_index_on_a_changed_expression_is_another_one(engine: sa.Engine, database_url: str) -> None:
    table = job_table()
    store(engine, table)
    for waiting, before in (("new", "missing"), ("it's 100 %", "there")):
        status = sa.case((table.c.status == waiting, "queued"), else_=table.c.status)
        app = create_host(database_url, TaskSource(table, status=status))
        assert [before, "missing", "missing"] == states(app)
        build_indexes(app, engine)
        assert ["there"] * 3 == states(app)
        dispose_engines(app)


@on("mysql")
def test_index_on_an_expression_is_told_to_hold_up_writers(
    engine: sa.Engine, database_url: str
) -> None:
    table = job_table()
    store(engine, table)
    updated_at = sa.func.coalesce(table.c.updated_at, table.c.created_at)
    app = create_host(database_url, TaskSource(table, updated_at=updated_at))
    effect = "-- Writers wait while MySQL builds an index on an expression."
    assert effect in indexes(app).output.splitlines()
    dispose_engines(app)


SETTINGS = {
    "sqlite": (),
    "postgresql": ("SET statement_timeout = 0", "SET lock_timeout = 0"),
    "mariadb": ("SET SESSION lock_wait_timeout = 5", "SET SESSION max_statement_time = 0"),
    "mysql": ("SET SESSION lock_wait_timeout = 5",),
}
CREATE = {
    "sqlite": "CREATE INDEX {} ON {}",
    "postgresql": "CREATE INDEX CONCURRENTLY {} ON {}",
    "mariadb": "CREATE INDEX {} ON {} ALGORITHM=INPLACE LOCK=NONE",
    "mysql": "CREATE INDEX {} ON {} ALGORITHM=INPLACE LOCK=NONE",
}


def test_missing_indexes_are_shown_with_the_sql_that_builds_them(
    app: Flask, engine: sa.Engine
) -> None:
    database = engine.dialect.name
    run(engine, "CREATE INDEX by_hand ON tasks (created_at, id)")
    keys = ("(status, updated_at)", "(status, completed_at, created_at, processing_at)")
    creates = [
        CREATE[database].format(name, f"tasks {key}")
        for name, key in zip(NAMES[1:], keys, strict=True)
    ]
    result = indexes(app)
    assert 0 == result.exit_code
    assert [
        f"-- {NAMES[0]}: covered by by_hand",
        f"-- {NAMES[1]}: missing",
        f"-- {NAMES[2]}: missing",
        *(f"{statement};" for statement in (*SETTINGS[database], *creates)),
    ] == [line for line in result.output.splitlines() if not line.startswith("-- Writers ")]


def test_mysql_is_not_given_what_only_mariadb_knows() -> None:
    index = sa.Index("ix_jobs", job_table().c.created_at)
    assert [
        "SET SESSION lock_wait_timeout = 5",
        "CREATE INDEX ix_jobs ON jobs (created_at) ALGORITHM=INPLACE LOCK=NONE",
        "ALTER TABLE jobs DROP INDEX ix_jobs, ALGORITHM=INPLACE, LOCK=NONE",
    ] == [
        *mysql_settings(mysql.dialect()),
        create_online(mysql.dialect(), index, is_repeatable=True),
        drop_online(mysql.dialect(), index),
    ]
