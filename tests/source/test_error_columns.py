"""A failed task's error code comes from a column, the host or the message."""

from __future__ import annotations

import enum
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskMetricsError, TaskSource
from tests.support.databases import run
from tests.support.host import snapshot_of
from tests.support.jobs import EXPECTED, job_table, store
from tests.support.tasks import codes_of


class ErrorCode(enum.Enum):
    TOO_LONG = "too long"


@pytest.mark.parametrize(
    ("column_type", "code", "expected"),
    [
        (sa.String(20), "no answer", [("no answer", 3)]),
        (sa.String(20), " NO_CODE \n", [("NO_CODE", 3)]),
        (sa.String(20), "É", [("É", 3)]),
        (sa.String(20), "", [("NO_ANSWER", 2), ("UNKNOWN", 1)]),
        (sa.String(20), " \n", [("NO_ANSWER", 2), ("UNKNOWN", 1)]),
        (sa.String(20), None, [("NO_ANSWER", 2), ("UNKNOWN", 1)]),
        (sa.Integer(), 504, [("504", 3)]),
        (sa.Enum(ErrorCode), ErrorCode.TOO_LONG, [("TOO_LONG", 3)]),
    ],
    ids=["text", "trimmed", "accent", "empty", "blank", "null", "integer", "enum"],
)
def test_error_code_column_comes_before_the_message(
    engine: sa.Engine, column_type: Any, code: Any, expected: list[tuple[str, int]]
) -> None:
    table = job_table(error_code=column_type)
    store(engine, table)
    with engine.begin() as connection:
        connection.execute(sa.update(table).values(error_code=code))
    assert expected == codes_of(snapshot_of(engine, TaskSource(table, error_code="error_code")))


def test_error_codes_that_differ_in_case_are_apart(engine: sa.Engine) -> None:
    table = job_table(error_code=sa.String(20))
    store(engine, table)
    run(
        engine,
        "UPDATE jobs SET error_code = 'Late'",
        "UPDATE jobs SET error_code = 'late' WHERE id = 3",
    )
    source = TaskSource(table, error_code="error_code")
    assert [("Late", 2), ("late", 1)] == codes_of(snapshot_of(engine, source))


def test_host_s_function_reads_the_first_1000_characters(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table, error_message=lambda message: message + " long" * 1_000)
    snapshot = snapshot_of(engine, table, error_code_of=lambda message: f"{len(message)}")
    assert [("1000", 2), ("UNKNOWN", 1)] == codes_of(snapshot)


def test_code_is_read_from_the_first_1000_characters_of_a_column(engine: sa.Engine) -> None:
    table = job_table(error_code=sa.Text())
    store(engine, table)
    with engine.begin() as connection:
        for id_, code in ((3, " " * 999 + "E_LATE"), (4, " " * 1_000 + "E_LATE")):
            connection.execute(sa.update(table).where(table.c.id == id_).values(error_code=code))
    source = TaskSource(table, error_code="error_code")
    assert [("E", 1), ("NO_ANSWER", 1), ("UNKNOWN", 1)] == codes_of(snapshot_of(engine, source))


def test_host_s_function_that_returns_no_string_is_an_error_of_the_package(
    engine: sa.Engine,
) -> None:
    table = job_table()
    store(engine, table)

    def code_of(message: str) -> Any:
        return 7

    with pytest.raises(TaskMetricsError) as raised:
        snapshot_of(engine, table, error_code_of=code_of)
    expected = "error_code_of returned 7; it must return a string, or None"
    assert expected == str(raised.value)


def test_host_s_function_may_leave_it_to_the_rules(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    source = TaskSource(table, request_id="request_id")
    assert EXPECTED == snapshot_of(engine, source, error_code_of=lambda message: None)
