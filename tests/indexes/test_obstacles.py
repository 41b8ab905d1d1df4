"""Indexes on expressions that a database refuses are told with what to do instead."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.schema import CreateIndex

from flask_task_metrics import TaskSource, add_recommended_indexes, from_epoch
from flask_task_metrics.dialects import is_mariadb
from flask_task_metrics.indexes import index_states
from flask_task_metrics.indexes.catalog import existing_indexes
from tests.support.commands import build_indexes, states
from tests.support.databases import on
from tests.support.doctor import findings
from tests.support.host import create_host, dispose_engines, snapshot_of
from tests.support.jobs import job_table, store

JOBS = job_table(
    status=sa.Enum("queued", "completed", name="job_status"),
    created_at=sa.DateTime(timezone=True),
)
"""A table whose types PostgreSQL converts by settings."""

CREATED, UPDATED, STATUS = JOBS.c.created_at, JOBS.c.updated_at, JOBS.c.status

EXPRESSIONS: list[Any] = [
    sa.cast(CREATED, sa.DateTime()),
    sa.func.coalesce(UPDATED, sa.cast(CREATED, sa.DateTime())),
    sa.func.date_trunc("day", CREATED, type_=sa.DateTime()),
    sa.case((sa.cast(STATUS, sa.Text()) == "queued", UPDATED)),
    sa.case((STATUS == "queued", UPDATED)),
    sa.cast(JOBS.c.error_message, sa.DateTime()),
    sa.func.timezone("UTC", CREATED, type_=sa.DateTime()),
    sa.func.date_trunc("day", UPDATED, type_=sa.DateTime()),
    sa.func.coalesce(UPDATED, JOBS.c.completed_at),
    from_epoch(JOBS.c.id, "ms"),
]


@on("postgresql")
@pytest.mark.parametrize("updated_at", EXPRESSIONS, ids=range(10))
def test_postgresql_is_known_to_refuse_an_index_before_it_is_built(
    engine: sa.Engine, updated_at: Any
) -> None:
    source = TaskSource(JOBS, updated_at=updated_at)
    JOBS.create(engine)
    with engine.connect() as connection:
        _, state, _ = index_states(connection, source)
        connection.rollback()
        refusal = refusal_of_postgresql(connection, state.index)
    assert ("must be marked IMMUTABLE" in refusal) == ("isn't immutable" in str(state))
    assert (refusal == "") == state.is_buildable


def refusal_of_postgresql(connection: sa.Connection, index: sa.Index) -> str:
    """Return the error of an index that PostgreSQL refuses to create."""
    try:
        connection.execute(CreateIndex(index))
    except ProgrammingError as error:
        return str(error)
    return ""


@on("postgresql")
def test_without_constraint_exclusion_postgresql_can_not_tell(
    engine: sa.Engine, database_url: str
) -> None:
    JOBS.create(engine)
    source = TaskSource(JOBS, updated_at=EXPRESSIONS[-2])
    with engine.connect() as connection:
        connection.exec_driver_sql("SET constraint_exclusion = off")
        assert ["missing"] * 3 == [str(state) for state in index_states(connection, source)]


@on("postgresql")
def test_of_a_partitioned_table_an_immutable_expression_is_indexed(
    engine: sa.Engine, database_url: str
) -> None:
    jobs = sa.Table(
        "jobs",
        sa.MetaData(),
        *(sa.Column(column.name, column.type) for column in job_table().c),
        postgresql_partition_by="RANGE (created_at)",
    )
    jobs.create(engine)
    updated_at = sa.func.coalesce(jobs.c.updated_at, jobs.c.created_at)
    app = create_host(database_url, TaskSource(jobs, updated_at=updated_at))
    assert ["missing"] * 3 == states(app)
    dispose_engines(app)


@on("sqlite")
def test_sqlite_is_known_to_refuse_an_index_before_it_is_built(
    engine: sa.Engine, database_url: str
) -> None:
    jobs = job_table()
    jobs.create(engine)
    now = sa.func.coalesce(jobs.c.updated_at, sa.func.datetime("now"), type_=sa.DateTime())
    random = sa.case((sa.func.random() > 0, jobs.c.created_at), else_=now)
    app = create_host(database_url, TaskSource(jobs, created_at=random))
    state, *_ = states(app)
    cause = "non-deterministic functions prohibited in index expressions"
    assert f"missing; SQLite can't index its expression: {cause}; map another one" == state
    dispose_engines(app)


@on("mariadb", "mysql")
def test_generated_columns_are_told_where_an_expression_can_not_be_indexed(
    engine: sa.Engine, database_url: str
) -> None:
    jobs = job_table(status=sa.Text())
    store(engine, jobs)
    status = sa.case((jobs.c.status == "paused", "queued"), else_=jobs.c.status)
    updated_at = sa.func.coalesce(jobs.c.updated_at, jobs.c.created_at)
    source = TaskSource(jobs, status=status, updated_at=updated_at)
    before = snapshot_of(engine, source)
    app = create_host(database_url, source)
    _, state, _ = states(app)
    name = "MariaDB" if is_mariadb(engine.dialect) else "MySQL"
    assert state.startswith(f"missing; {name} can't index an expression")
    advice = state.removeprefix("missing; ")
    assert advice in findings(app, "WRONG")["indexes"]
    dispose_engines(app)
    mapped = dict(re.findall(r'(\w+)="(\w+)"', advice))
    with engine.begin() as connection:
        for statement in re.findall("ALTER TABLE [^;`]+", advice):
            connection.exec_driver_sql(statement)
    columns = (
        sa.Column(mapped["status"], sa.String(255)),
        sa.Column(mapped["updated_at"], jobs.c.updated_at.type),
    )
    for column in columns:
        jobs.append_column(column)
    generated = TaskSource(jobs, **mapped)
    app = create_host(database_url, generated)
    build_indexes(app, engine)
    assert (["there"] * 3, before) == (states(app), snapshot_of(engine, generated))
    dispose_engines(app)


def test_create_all_leaves_out_what_the_database_refuses(engine: sa.Engine) -> None:
    jobs = JOBS.to_metadata(sa.MetaData())
    created_at = sa.cast(jobs.c.created_at, sa.DateTime())
    add_recommended_indexes(TaskSource(jobs, created_at=created_at))
    jobs.metadata.create_all(engine)
    refused = engine.dialect.name == "postgresql" or is_mariadb(engine.dialect)
    with engine.connect() as connection:
        names = {index.name for index in existing_indexes(connection, jobs)}
    assert (1 if refused else 3) == len(names & {index.name for index in jobs.indexes})
