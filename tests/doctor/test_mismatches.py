"""The doctor finds columns that have another type in the database than in the mapping."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskSource
from tests.support.databases import on
from tests.support.doctor import findings, wrong
from tests.support.host import Task, hosted
from tests.support.jobs import job_table

STATUSES = ("completed", "failed", "cancelled", "processing", "queued")
JOB_STATUS = sa.Enum(*STATUSES, name="job_status")

NUMBERED: Any = {"statuses": dict.fromkeys(STATUSES, ())}

TIMESTAMP_HINT = (
    "map created_at to sa.cast(…, sa.DateTime) if it is text; if it counts seconds since 1970, "
    "declare it as sa.BigInteger and map it from_epoch(…, 's')"
)


def wrong_types(
    engine: sa.Engine, role: str, stored: Any, mapped: Any = None, **mapping: Any
) -> str | None:
    """Return the doctor's words on a column of one type that is mapped as another."""
    job_table(**{role: stored}).create(engine)
    table = job_table(**({} if mapped is None else {role: mapped}))
    with hosted(engine.url, TaskSource(table, **mapping)) as app:
        return wrong(app).get("types")


@on("postgresql")
@pytest.mark.parametrize(
    ("stored", "name", "type_name", "declared"),
    [
        (JOB_STATUS, "enum job_status", "job_status", "sa.Enum(…, name='job_status')"),
        (sa.Integer(), "integer", "integer", "the database has it"),
        (sa.JSON(), "json", "json", "the database has it"),
    ],
    ids=["enum", "integer", "json"],
)
def test_a_status_that_postgresql_can_not_compare_is_named_with_what_to_write(
    engine: sa.Engine, stored: Any, name: str, type_name: str, declared: str
) -> None:
    assert (
        f"status is {name} in the database, but VARCHAR(32) in the mapping "
        f'("operator does not exist: {type_name} = character varying"); '
        f"declare status as {declared}, or map it to sa.cast(…, sa.Text)"
    ) == wrong_types(engine, "status", stored)


@on("postgresql")
@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        (JOB_STATUS, None),
        (
            sa.Integer(),
            (
                "status is integer in the database, but VARCHAR(32) in the mapping "
                r'("invalid input syntax for type integer: \"completed\""); '
                "declare status as the database has it, or map it to sa.cast(…, sa.Text)"
            ),
        ),
    ],
    ids=["enum", "integer"],
)
def test_a_status_is_compared_as_the_driver_sends_its_values(
    engine: sa.Engine, stored: Any, problem: str | None
) -> None:
    job_table(status=stored).create(engine)
    url = engine.url.set(drivername="postgresql+psycopg2")
    with hosted(url, TaskSource(job_table())) as app:
        assert problem == wrong(app).get("types")


@on("postgresql")
def test_a_dimension_that_postgresql_can_not_compare_is_named(engine: sa.Engine) -> None:
    assert (
        "dimension_engine is integer in the database, but VARCHAR in the mapping "
        '("operator does not exist: integer = character varying"); '
        "declare dimension_engine as the database has it, or map it to sa.cast(…, sa.Text)"
    ) == wrong_types(engine, "engine", sa.Integer(), sa.String(), dimensions=("engine",))


@on("postgresql")
def test_an_id_that_postgresql_can_not_sort_is_named(engine: sa.Engine) -> None:
    assert (
        "id is json in the database, but INTEGER in the mapping "
        '("could not identify an ordering operator for type json"); '
        "declare id as the database has it, or map it to sa.cast(…, sa.Text)"
    ) == wrong_types(engine, "key", sa.JSON(), sa.Integer(), id="key")


@on("postgresql")
@pytest.mark.parametrize(("stored", "name"), [(sa.Text(), "text"), (sa.BigInteger(), "bigint")])
def test_timestamps_that_postgresql_can_not_compare_are_named(
    engine: sa.Engine, stored: Any, name: str
) -> None:
    problem = wrong_types(engine, "created_at", stored)
    refusal = f'"operator does not exist: {name} >= timestamp without time zone"'
    assert (
        f"created_at is {name} in the database, but TIMESTAMP WITHOUT TIME ZONE in the mapping "
        f"({refusal}); {TIMESTAMP_HINT}"
    ) == problem


@on("mariadb", "mysql")
@pytest.mark.parametrize(
    ("stored", "name"), [(sa.String(40), "varchar"), (sa.BigInteger(), "bigint")]
)
def test_timestamps_that_mariadb_and_mysql_would_convert_are_named(
    engine: sa.Engine, stored: Any, name: str
) -> None:
    assert (
        f"created_at is {name} in the database, but DATETIME(6) in the mapping; {TIMESTAMP_HINT}"
    ) == wrong_types(engine, "created_at", stored)


@on("mariadb", "mysql")
@pytest.mark.parametrize(
    ("stored", "mapped", "found", "mapping"),
    [
        (sa.Integer(), None, "int in the database, but VARCHAR(32)", {}),
        (sa.String(32), sa.Integer(), "varchar in the database, but INTEGER", NUMBERED),
    ],
    ids=["integer", "text"],
)
def test_a_status_that_mariadb_and_mysql_would_convert_is_named(
    engine: sa.Engine, stored: Any, mapped: Any, found: str, mapping: dict[str, Any]
) -> None:
    assert (
        f"status is {found} in the mapping; "
        "declare status as the database has it, or map it to sa.cast(…, sa.Text)"
    ) == wrong_types(engine, "status", stored, mapped, **mapping)


@pytest.mark.parametrize(
    ("role", "stored", "mapped"),
    [("status", JOB_STATUS, JOB_STATUS), ("id", sa.BigInteger(), sa.Integer())],
    ids=["enum", "id"],
)
def test_types_that_fit_are_well(engine: sa.Engine, role: str, stored: Any, mapped: Any) -> None:
    assert wrong_types(engine, role, stored, mapped) is None


@on("sqlite", "mariadb", "mysql")
def test_an_enum_may_be_mapped_as_text_where_it_is_text(engine: sa.Engine) -> None:
    assert wrong_types(engine, "status", JOB_STATUS) is None


@on("sqlite")
def test_timestamps_of_sqlite_may_be_in_a_column_of_text(engine: sa.Engine) -> None:
    assert wrong_types(engine, "created_at", sa.Text()) is None


@on("postgresql")
def test_an_expression_that_can_not_be_compared_is_named(engine: sa.Engine) -> None:
    status = sa.type_coerce(sa.cast(sa.func.to_json(Task.status), sa.JSON), sa.String)
    with hosted(engine.url, TaskSource(Task, status=status)) as app:
        problem = wrong(app)["types"]
        skipped = findings(app, "SKIP")
    assert problem.startswith("status is of another type in the database, but VARCHAR in the mapp")
    assert "left out, since types is wrong; solve types first" == skipped["plans"]
    assert ["plans", "statuses", "timestamps", "updates", "durations", "future", "utc"] == list(
        skipped
    )
