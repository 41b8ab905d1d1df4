"""Literals of a mapping are part of the SQL, so the index on an expression serves its queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskSource, Window
from flask_task_metrics.doctor.plans import scanned_tables
from flask_task_metrics.figures import Collector
from flask_task_metrics.indexes import missing_indexes
from tests.support.databases import on
from tests.support.host import NOW, snapshot_of
from tests.support.jobs import EXPECTED, job_table, store
from tests.support.oracle import TaskRow

HOSTILE = 'it\'s 100% "sure" \\ %(x)s :y ?'


def test_a_literal_is_quoted(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table, status=lambda status: HOSTILE if status == "completed" else status)
    status = sa.case((table.c.status == HOSTILE, "completed"), else_=table.c.status)
    assert EXPECTED == snapshot_of(engine, TaskSource(table, status=status))


def test_a_literal_of_bytes_remains_a_parameter(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    mark = sa.literal(b"\xff", sa.LargeBinary()).label("mark")
    subquery = sa.select(table, mark).subquery()
    assert EXPECTED == snapshot_of(engine, TaskSource(subquery))


def test_a_literal_that_needs_no_index_is_not_in_the_sql() -> None:
    table = job_table()
    message = sa.func.decrypt(table.c.error_message, "a secret")
    source = TaskSource(table, error_message=message, status=sa.func.lower(table.c.status, "en"))
    options = {"render_postcompile": True}
    sql = str(sa.select(source.tasks).compile(compile_kwargs=options))
    assert ("a secret" not in sql, "'en'" in sql) == (True, True)


@pytest.mark.slow
@on("sqlite", "postgresql")
def test_the_index_on_an_expression_with_literals_serves_every_figure(engine: sa.Engine) -> None:
    table = job_table()
    status = sa.case(
        (table.c.error_message.is_not(None), "failed"),
        (table.c.completed_at.is_not(None), "completed"),
        else_="queued",
    )
    updated_at = ["completed_at", "processing_at", "created_at"]
    source = TaskSource(table, status=status, updated_at=updated_at)
    store(engine, table, old_tasks(10_000))
    with engine.begin() as connection:
        for state in missing_indexes(connection, source):
            state.index.create(connection)
        connection.exec_driver_sql("ANALYZE")
    queries = Collector.of(source, engine.dialect).queries(Window.ending(NOW, 60))
    with engine.connect() as connection:
        scanned = {query.figure: scanned_tables(connection, query) for query in queries}
    assert {} == {figure: tables for figure, tables in scanned.items() if tables}


def old_tasks(count: int) -> list[TaskRow]:
    """Return tasks of the last months, one in ten failed."""
    now = NOW.replace(tzinfo=None)
    return [ended(id, now - timedelta(minutes=10 * id)) for id in range(1, count)]


def ended(id: int, at: Any) -> TaskRow:
    message = "ENGINE_TIMEOUT" if id % 10 == 0 else None
    return TaskRow(id, None, at, at, None if message else at, at, message)
