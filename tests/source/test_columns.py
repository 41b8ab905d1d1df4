"""A column is a name, an expression, a number since 1970, or the first of several that is there."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import ConfigurationError, TaskSource, from_epoch
from tests.support.databases import on
from tests.support.host import snapshot_of
from tests.support.jobs import (
    EXPECTED,
    TASKS,
    TIMESTAMPS,
    job_table,
    refusal_of,
    store,
)
from tests.support.oracle import TaskRow, expected_snapshot
from tests.support.tasks import WINDOW

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as naive as the columns

UNITS_IN_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def test_request_id_is_by_default_the_column_of_that_name(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    assert EXPECTED == snapshot_of(engine, TaskSource(table))


def test_the_first_of_several_columns_that_is_not_null_counts(engine: sa.Engine) -> None:
    table = job_table()
    tasks = [TaskRow(1, "queued", WINDOW.start.replace(tzinfo=None)), *TASKS[1:]]
    store(engine, table, tasks)
    source = TaskSource(table, updated_at=["updated_at", table.c.created_at])
    updated = [
        TaskRow(**vars(task) | {"updated_at": task.updated_at or task.created_at}) for task in tasks
    ]
    assert expected_snapshot(updated, WINDOW) == snapshot_of(engine, source)


def test_a_list_of_one_column_is_that_column(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    assert EXPECTED == snapshot_of(engine, TaskSource(table, updated_at=("updated_at",)))


@pytest.mark.parametrize("unit", UNITS_IN_A_SECOND)
@pytest.mark.parametrize("column_type", [sa.BigInteger(), sa.Double()], ids=repr)
def test_a_timestamp_is_read_from_a_number_to_the_microsecond(
    engine: sa.Engine, unit: Any, column_type: Any
) -> None:
    table = job_table(**dict.fromkeys(TIMESTAMPS, column_type))
    stored: list[TaskRow] = []
    kept: list[TaskRow] = []
    for task in random_tasks(column_type, UNITS_IN_A_SECOND[unit]):
        stored.append(task)
        kept.append(read_back(task, UNITS_IN_A_SECOND[unit]))
    store(engine, table, stored)
    columns: dict[str, Any] = {role: from_epoch(role, unit) for role in TIMESTAMPS}
    source = TaskSource(table, **columns)
    assert expected_snapshot(kept, WINDOW) == snapshot_of(engine, source)


def random_tasks(column_type: Any, units: int) -> list[TaskRow]:
    """Return completed tasks whose timestamps are numbers, some with a part of a microsecond."""
    chance = Random(7)
    start = int((WINDOW.start.replace(tzinfo=None) - EPOCH).total_seconds())

    def number() -> Any:
        nanoseconds = start * 10**9 + chance.randrange(3600 * 10**9)
        if isinstance(column_type, sa.BigInteger):
            return nanoseconds * units // 10**9
        return nanoseconds / 10**9 * units

    return [TaskRow(id, "completed", *sorted(number() for _ in range(4))) for id in range(1, 60)]


def read_back(task: TaskRow, units: int) -> TaskRow:
    moments = {
        role: EPOCH + timedelta(microseconds=int(Fraction(vars(task)[role]) * 10**6 / units))
        for role in TIMESTAMPS
    }
    return TaskRow(**vars(task) | moments)


@pytest.mark.parametrize("column_type", [sa.BigInteger(), sa.Double()], ids=repr)
def test_a_number_before_1970_is_a_timestamp_too(engine: sa.Engine, column_type: Any) -> None:
    table = job_table(created_at=column_type)
    store(engine, table, [TaskRow(1, "queued", -1_500)])  # type: ignore[arg-type]  # a number
    created_at = EPOCH - timedelta(milliseconds=1_500)
    source = TaskSource(table, created_at=from_epoch("created_at", "ms"))
    assert expected_snapshot([TaskRow(1, "queued", created_at)], WINDOW) == snapshot_of(
        engine, source
    )


@on("postgresql", "mariadb")
def test_a_timestamp_is_read_from_a_decimal(engine: sa.Engine) -> None:
    table = job_table(created_at=sa.Numeric(20, 9))
    store(engine, table, created_at=lambda at: Decimal((at - EPOCH) // timedelta(seconds=1)))
    assert EXPECTED == snapshot_of(
        engine, TaskSource(table, created_at=from_epoch("created_at", "s"))
    )


def test_several_columns_may_be_numbers(engine: sa.Engine) -> None:
    table = job_table(updated_at=sa.BigInteger())
    store(engine, table, updated_at=lambda at: round((at - EPOCH) / timedelta(microseconds=1)))
    source = TaskSource(table, updated_at=[from_epoch("updated_at", "us")])
    assert EXPECTED == snapshot_of(engine, source)


def test_an_unknown_unit_is_refused() -> None:
    unit: Any = "minutes"
    with pytest.raises(ConfigurationError) as refusal:
        from_epoch("created", unit)
    expected = "from_epoch has the unit 'minutes'; it must be one of s, ms, us, ns"
    assert expected == str(refusal.value)


def test_a_number_since_1970_must_be_a_number() -> None:
    expected = (
        "created_at is mapped from_epoch of a column of type String(length=128); "
        "it must hold numbers"
    )
    source = TaskSource(job_table(), created_at=from_epoch("request_id", "s"))
    assert expected == refusal_of(source)


def test_an_empty_list_is_refused() -> None:
    expected = "updated_at is mapped to no column; name at least one"
    assert expected == refusal_of(TaskSource(job_table(), updated_at=[]))
