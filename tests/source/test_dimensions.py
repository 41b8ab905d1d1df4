"""Dimensions are checked at start: their names, their columns and the types of these."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from flask_task_metrics import TaskSource, from_epoch
from tests.support.column_types import JobStatus, MemberText, PlainText
from tests.support.jobs import COLUMNS, SQLITE, job_table, refusal_of

NAMES = "names of columns, such as ('engine',), or a mapping of names to expressions"
CHARACTERS = "a name has characters of [a-z0-9_] and does not begin with a digit: map it, as in"
TAKEN = "which has another meaning in queries, answers or labels; name it otherwise, as in"


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        ("engine", f"dimensions is 'engine'; it must be {NAMES}"),
        (7, f"dimensions is 7; it must be {NAMES}"),
        (("Engine",), f"a dimension is named 'Engine'; {CHARACTERS} dimensions={{'engine': "),
        ((7,), f"a dimension is named 7; {CHARACTERS}"),
        (("status",), f"a dimension is named 'status', {TAKEN} dimensions={{'task_status': "),
        ({"minutes": "id"}, f"a dimension is named 'minutes', {TAKEN}"),
        (("id", "id"), "dimensions has a name twice: id, id"),
        (("engine",), "dimension_engine is mapped to 'engine'; it must be a SQL expression or the"),
        ({"engine": None}, "dimension_engine is mapped to None; it must be a SQL expression or"),
        (("created_at",), "the dimension created_at is a column of type "),
    ],
)
def test_a_wrong_dimension_is_refused(dimensions: Any, message: str) -> None:
    assert refusal_of(TaskSource(job_table(), dimensions=dimensions)).startswith(message)


@pytest.mark.parametrize(
    "column_type",
    [
        sa.Float(),
        sa.Numeric(),
        sa.JSON(),
        sa.LargeBinary(),
        sa.Uuid(),
        sa.Date(),
        sa.types.NullType(),
        postgresql.ARRAY(sa.String()),
    ],
)
def test_a_column_of_another_type_is_refused_with_what_to_write(column_type: Any) -> None:
    message = refusal_of(TaskSource(job_table(engine=column_type), dimensions=("engine",)))
    expected = (
        "it must hold text, an Enum, integers or booleans: map an expression such as "
        "sa.cast(…, sa.String)"
    )
    assert message == f"the dimension engine is a column of type {column_type!r}; {expected}"


@pytest.mark.parametrize(
    "column_type",
    [
        sa.Text(),
        sa.Enum(JobStatus),
        sa.SmallInteger(),
        sa.Boolean(),
        MemberText(),
        PlainText(),
        mysql.ENUM("a", "b"),
        postgresql.CITEXT(),
    ],
)
def test_texts_enums_integers_and_booleans_are_dimensions(column_type: Any) -> None:
    table = job_table(engine=column_type)
    source = TaskSource(table, dimensions=["engine"])
    source.check(SQLITE)
    assert ["engine"] == list(source.dimensions)


def test_a_dimension_may_be_an_expression_or_several_columns() -> None:
    table = job_table(engine=sa.String(32))
    first = ["engine", "request_id"]
    source = TaskSource(table, dimensions={"who": first, "big": table.c.id > 5, "id": "id"})
    source.check(SQLITE)
    assert re.search("coalesce", str(source.mapped))


def test_a_time_is_no_dimension() -> None:
    table = job_table(at=sa.BigInteger())
    message = refusal_of(TaskSource(table, dimensions={"at": from_epoch("at", "s")}))
    assert message.startswith("the dimension at is a column of type DateTime()")


def test_a_dimension_may_have_the_name_of_a_role() -> None:
    names = [name for name in COLUMNS if name == "id" or name.endswith("_id")]
    source = TaskSource(job_table(), dimensions=names)
    source.check(SQLITE)
    assert ["id", "request_id"] == list(source.dimensions)
