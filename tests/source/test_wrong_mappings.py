"""A wrong mapping is refused with what was found and what would be right."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement

from flask_task_metrics import TaskSource
from tests.support.column_types import PlainText
from tests.support.host import snapshot_of
from tests.support.jobs import COLUMNS, SQLITE, job_table, refusal_of
from tests.support.tasks import errors_of

JOBS = job_table()
OTHER = sa.Table("others", sa.MetaData(), sa.Column("state", sa.String(32)))
ROLES = ", ".join(COLUMNS)
TIMESTAMP_EXPECTED = "it must be a timestamp, or an expression that makes it one"
JOIN_EXPECTED = "join them in a subquery and map that"
SOURCE_EXPECTED = "it must be a model, a Table, a view or a subquery"


def columns_expected(columns: str = ROLES) -> str:
    return f"it must be a SQL expression or the name of a column, one of {columns}"


@pytest.mark.parametrize(
    ("selectable", "mapping", "message"),
    [
        ("jobs", {}, f"the source is 'jobs'; {SOURCE_EXPECTED}"),
        (dict, {}, f"the source is <class 'dict'>; {SOURCE_EXPECTED}"),
        (None, {}, f"the source is None; {SOURCE_EXPECTED}"),
        (
            JOBS,
            {"status": "state"},
            f"status is mapped to 'state'; {columns_expected()}",
        ),
        (
            JOBS,
            {"error_code": "code"},
            f"error_code is mapped to 'code'; {columns_expected()}",
        ),
        (
            JOBS,
            {"request_id": 7},
            f"request_id is mapped to 7; {columns_expected()}",
        ),
        (
            JOBS,
            {"id": None},
            f"id is mapped to None; {columns_expected()}",
        ),
        (
            job_table(created_at=sa.String(40)),
            {},
            f"created_at is mapped to a column of type String(length=40); {TIMESTAMP_EXPECTED}",
        ),
        (
            job_table(processing_at=sa.Integer()),
            {},
            f"processing_at is mapped to a column of type Integer(); {TIMESTAMP_EXPECTED}",
        ),
        (
            job_table(updated_at=sa.Date()),
            {},
            f"updated_at is mapped to a column of type Date(); {TIMESTAMP_EXPECTED}",
        ),
        (
            job_table(completed_at=PlainText()),
            {},
            f"completed_at is mapped to a column of type {PlainText()!r}; {TIMESTAMP_EXPECTED}",
        ),
        (
            job_table(created_at=sa.Interval()),
            {},
            f"created_at is mapped to a column of type {sa.Interval()!r}; {TIMESTAMP_EXPECTED}",
        ),
        (
            job_table(created_at=mysql.YEAR()),
            {},
            f"created_at is mapped to a column of type YEAR(); {TIMESTAMP_EXPECTED}",
        ),
        (
            JOBS,
            {"status": OTHER.c.state},
            f"the mapped columns come from several tables (jobs, others); {JOIN_EXPECTED}",
        ),
    ],
)
def test_wrong_mapping_names_the_column_and_what_would_be_right(
    selectable: Any, mapping: dict[str, Any], message: str
) -> None:
    assert message == refusal_of(TaskSource(selectable, **mapping))


POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
SORT_EXPECTED = "PostgreSQL can't sort it; map sa.cast(…, sa.Text)"
HEX_EXPECTED = "PostgreSQL gives its text as hex digits; map sa.func.encode(…, 'escape')"


class Xml(sa.types.UserDefinedType[str]):
    """A type that SQLAlchemy doesn't have."""

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        return "XML"


@pytest.mark.parametrize(
    ("role", "column_type", "expected"),
    [
        ("id", sa.JSON(), SORT_EXPECTED),
        ("id", postgresql.JSONPATH(), SORT_EXPECTED),
        ("id", Xml(), SORT_EXPECTED),
        ("error_message", sa.LargeBinary(), HEX_EXPECTED),
        ("error_code", postgresql.BYTEA(), HEX_EXPECTED),
    ],
)
def test_type_that_postgresql_can_not_use_is_refused_there_alone(
    role: str, column_type: Any, expected: str
) -> None:
    mapping: dict[str, Any] = {role: role}
    source = TaskSource(job_table(**{role: column_type}), **mapping)
    message = f"{role} is mapped to a column of type {column_type!r}; {expected}"
    assert message == refusal_of(source, POSTGRESQL)
    source.check(SQLITE)


@pytest.mark.parametrize(
    "column_type",
    [
        sa.Uuid(),
        sa.Numeric(20, 0),
        sa.LargeBinary(16).with_variant(mysql.BINARY(16), "mysql", "mariadb"),
        sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
    ],
    ids=repr,
)
def test_id_may_have_any_type_that_the_database_sorts(engine: sa.Engine, column_type: Any) -> None:
    table = job_table(key=column_type)
    table.create(engine)
    assert () == errors_of(snapshot_of(engine, TaskSource(table, id="key")))


def test_untyped_column_is_left_to_the_database() -> None:
    TaskSource(job_table(), id=sa.literal_column("jobs.id")).check(POSTGRESQL)


@pytest.mark.parametrize(
    "condition", [JOBS.c.request_id == sa.bindparam("tenant"), sa.text("request_id = :tenant")]
)
def test_parameter_without_a_value_is_named(condition: ColumnElement[bool]) -> None:
    expected = (
        "the source has parameters without a value: tenant; "
        "give each one its value, as in sa.bindparam('name', value)"
    )
    assert expected == refusal_of(TaskSource(sa.select(JOBS).where(condition)))


def test_parameter_with_a_value_is_right() -> None:
    tenant: sa.BindParameter[str] = sa.bindparam("tenant", "acme")
    TaskSource(sa.select(JOBS).where(JOBS.c.request_id == tenant)).check(SQLITE)


class here(ColumnElement[str]):  # noqa: N801 - a construct is named like its function
    """An expression that PostgreSQL alone has."""

    inherit_cache = True
    type = sa.Text()


@compiles(here, "postgresql")
def _here(element: here, compiler: SQLCompiler, **kw: Any) -> str:
    return "current_schema()"


def test_expression_that_one_database_has_is_right_there_and_refused_elsewhere() -> None:
    source = TaskSource(JOBS, error_code=here())
    source.check(POSTGRESQL)
    message = refusal_of(source, SQLITE)
    assert message.startswith("the source has no SQL on sqlite: ")
    assert message.endswith("; map another expression")
    assert ".here" in message
