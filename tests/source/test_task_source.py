"""A source is any selectable that holds the host's tasks: each gives the same figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskSource
from tests.support.databases import run
from tests.support.host import snapshot_of
from tests.support.jobs import (
    COLUMNS,
    EXPECTED,
    TASKS,
    TIMESTAMPS,
    job_table,
    refusal_of,
    store,
    timestamps,
)
from tests.support.oracle import expected_snapshot
from tests.support.tasks import WINDOW, errors_of


def test_table_with_the_usual_columns_needs_no_mapping(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    assert EXPECTED == snapshot_of(engine, table)


def test_empty_table_counts_nothing(engine: sa.Engine) -> None:
    table = job_table()
    table.create(engine)
    assert expected_snapshot([], WINDOW) == snapshot_of(engine, table)


def test_columns_may_have_other_names(engine: sa.Engine) -> None:
    names: dict[str, Any] = {name: f"Job {name}" for name in COLUMNS}
    columns = (sa.Column(names[name], COLUMNS[name], key=name) for name in COLUMNS)
    store(engine, sa.Table("jobs", sa.MetaData(), *columns))
    reflected = sa.Table("jobs", sa.MetaData(), autoload_with=engine)
    assert EXPECTED == snapshot_of(engine, TaskSource(reflected, **names))


def test_column_may_be_given_itself(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    source = TaskSource(table, status=table.c.status, request_id=table.c.request_id)
    assert EXPECTED == snapshot_of(engine, source)


def test_view_is_read_like_a_table(engine: sa.Engine) -> None:
    store(engine, job_table())
    run(engine, "CREATE VIEW job_view AS SELECT * FROM jobs")
    view = sa.Table("job_view", sa.MetaData(), autoload_with=engine)
    assert EXPECTED == snapshot_of(engine, TaskSource(view, request_id="request_id"))


def test_table_without_types_is_read(engine: sa.Engine) -> None:
    store(engine, job_table())
    table = sa.table("jobs", *map(sa.column, COLUMNS))
    assert EXPECTED == snapshot_of(engine, TaskSource(table, request_id="request_id"))


def selectables(table: sa.Table) -> dict[str, sa.FromClause | sa.SelectBase]:
    some = sa.select(table).where(table.c.id <= 5)
    rest = sa.select(table).where(table.c.id > 5)
    return {
        "select": sa.select(table),
        "subquery": sa.select(table).subquery(),
        "named subquery": sa.select(table).subquery("tasks"),
        "alias": table.alias("j"),
        "cte": sa.select(table).cte("recent"),
        "union": some.union_all(rest),
        "text": sa.text("SELECT * FROM jobs").columns(*table.c),
    }


@pytest.mark.parametrize("kind", selectables(job_table()))
def test_selectable_is_read(engine: sa.Engine, kind: str) -> None:
    table = job_table()
    store(engine, table)
    source = TaskSource(selectables(table)[kind], request_id="request_id")
    assert EXPECTED == snapshot_of(engine, source)


def test_join_is_read_by_its_tables_columns(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    run(
        engine,
        "CREATE TABLE job_errors (job_id INTEGER, message VARCHAR(200))",
        "INSERT INTO job_errors SELECT id, error_message FROM jobs WHERE error_message > ''",
        "UPDATE jobs SET error_message = 'WRONG_TABLE'",
    )
    errors = sa.Table("job_errors", sa.MetaData(), autoload_with=engine)
    columns: dict[str, Any] = dict(table.c) | {"error_message": errors.c.message}
    source = TaskSource(table.outerjoin(errors, errors.c.job_id == table.c.id), **columns)
    assert EXPECTED == snapshot_of(engine, source)


def test_expression_stands_for_a_column(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table, status=lambda status: status[:2])
    statuses = {task.status[:2]: task.status for task in TASKS if task.status}
    source = TaskSource(
        table,
        status=sa.case(statuses, value=table.c.status),
        updated_at=sa.func.coalesce(table.c.updated_at, table.c.created_at),
        request_id="request " + sa.cast(table.c.id, sa.String(20)),
    )
    expected = [replace(task, request_id=f"request {task.id}") for task in TASKS]
    assert expected_snapshot(expected, WINDOW) == snapshot_of(engine, source)


FROM_EPOCH: Mapping[str, Callable[[Any], Any]] = {
    "sqlite": lambda seconds: sa.func.datetime(seconds, "unixepoch"),
    "postgresql": sa.func.to_timestamp,
    "mariadb": sa.func.from_unixtime,
    "mysql": sa.func.from_unixtime,
}


def test_seconds_of_an_epoch_are_read_through_an_expression(engine: sa.Engine) -> None:
    def seconds(moment: datetime) -> int:
        return int(moment.replace(tzinfo=timezone.utc).timestamp())

    table = job_table(**timestamps(sa.Integer()))
    store(engine, table, **timestamps(seconds))
    from_epoch = FROM_EPOCH[engine.dialect.name]
    expressions = {name: from_epoch(table.c[name]) for name in TIMESTAMPS}
    source = TaskSource(table, request_id="request_id", **expressions)
    assert EXPECTED == snapshot_of(engine, source)


def test_member_of_a_json_column_is_read_through_an_expression(engine: sa.Engine) -> None:
    table = job_table(error_message=sa.JSON(none_as_null=True))
    store(engine, table, error_message=lambda message: {"error": message})
    message = table.c.error_message["error"].as_string()
    source = TaskSource(table, error_message=message, request_id="request_id")
    assert EXPECTED == snapshot_of(engine, source)


@pytest.mark.parametrize(
    ("column_type", "stored", "expected"),
    [
        (sa.BigInteger(), lambda number: number + 2**40, "1099511627780"),
        (sa.String(40), lambda number: f"job/{number}", "job/4"),
        (sa.Uuid(), lambda number: UUID(int=number), "00000000-0000-0000-0000-000000000004"),
        (
            sa.Uuid(as_uuid=False),
            lambda number: str(UUID(int=number)),
            "00000000-0000-0000-0000-000000000004",
        ),
    ],
    ids=["integer", "string", "UUID", "UUID as string"],
)
def test_task_id_is_the_id_as_a_string(
    engine: sa.Engine, column_type: Any, stored: Callable[[int], Any], expected: str
) -> None:
    table = job_table(id=column_type)
    store(engine, table, id=stored)
    samples = {error.code: error.sample for error in errors_of(snapshot_of(engine, table))}
    assert expected == samples["NO_ANSWER"].task_id


def test_source_is_read_from_the_bind_of_its_tables() -> None:
    table = job_table().to_metadata(sa.MetaData(info={"bind_key": "replica"}))
    assert "replica" == TaskSource(sa.select(table)).bind_key


def test_source_of_several_binds_is_refused() -> None:
    table = job_table().to_metadata(sa.MetaData(info={"bind_key": "replica"}))
    source = TaskSource(sa.select(table).where(table.c.id.in_(sa.select(job_table().c.id))))
    found = refusal_of(source).partition("(")[2].partition(")")[0]
    assert found in {"None, replica", "replica, None"}
