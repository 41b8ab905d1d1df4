"""The SQL that each database is given, and what is told of those that no test can reach."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import UnsupportedCompilationError

from flask_task_metrics.dialects import (
    elapsed_ms,
    exact_text,
    group_key,
    not_before,
)
from flask_task_metrics.dialects.read_only import mysql_timeout

from .host import add_tasks
from .test_read_only_view import COMPLETED, FAILED, snapshot

START = sa.column("created_at", sa.DateTime)
END = sa.column("completed_at", sa.DateTime)
STATUS = sa.column("status", sa.String)

CONSTRUCTS: dict[str, sa.ColumnElement[Any]] = {
    "elapsed_ms": elapsed_ms(START, END),
    "not_before": not_before(START, END),
    "exact_text": exact_text(STATUS),
    "group_key": group_key(STATUS),
}


@pytest.mark.parametrize(
    ("construct", "expected"),
    [
        ("elapsed_ms", "(TIMESTAMPDIFF(MICROSECOND, created_at, completed_at) DIV 1000)"),
        ("not_before", "(created_at >= completed_at)"),
        ("exact_text", "CAST(CONVERT(status USING utf8mb4) AS BINARY)"),
        ("group_key", "SHA2(status, 256)"),
    ],
)
def test_mysql_is_given_the_sql_that_the_tests_run_on_mariadb(
    construct: str, expected: str
) -> None:
    assert expected == compiled(CONSTRUCTS[construct], "mysql")


@pytest.mark.parametrize(
    ("construct", "expected"),
    [
        (
            "elapsed_ms",
            "(CAST(date_part('epoch', completed_at - created_at) * 1000000 AS BIGINT) / 1000)",
        ),
        ("not_before", "(created_at >= completed_at)"),
        ("exact_text", '(CAST(status AS TEXT) COLLATE "C")'),
        ("group_key", "status"),
    ],
)
def test_postgresql_is_given_conditions_that_its_indexes_serve(
    construct: str, expected: str
) -> None:
    assert expected == compiled(CONSTRUCTS[construct], "postgresql")


@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_a_database_that_is_not_supported_is_given_no_sql(construct: str) -> None:
    with pytest.raises(UnsupportedCompilationError, match=construct):
        compiled(CONSTRUCTS[construct], "oracle")


@pytest.mark.parametrize("database", ["mysql", "mariadb", "postgresql", "sqlite"])
def test_a_condition_is_not_compared_with_a_boolean(database: str) -> None:
    query = sa.select(sa.literal(1)).where(CONSTRUCTS["not_before"])
    assert "= 1" not in compiled(query, database)


@pytest.mark.parametrize(
    ("expected", "timeout_ms", "is_mariadb"),
    [
        ({"max_execution_time": 5000}, 5000, False),
        ({"max_statement_time": 5.0}, 5000, True),
        ({}, 0, False),
        ({}, 0, True),
    ],
)
def test_mysql_and_mariadb_each_have_a_timeout_of_their_own(
    expected: dict[str, Any], timeout_ms: int, *, is_mariadb: bool
) -> None:
    assert expected == mysql_timeout(timeout_ms, is_mariadb=is_mariadb)


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_the_strict_mode_of_mysql_takes_every_query(engine: sa.Engine) -> None:
    add_tasks(engine, COMPLETED, FAILED)
    modes = "SET sql_mode = 'ONLY_FULL_GROUP_BY,ANSI,STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'"
    strict = sa.create_engine(engine.url, connect_args={"init_command": modes})
    assert snapshot(engine) == snapshot(strict)
    strict.dispose()


def compiled(clause: sa.ClauseElement, database: str) -> str:
    dialect = sa.make_url(f"{database}://").get_dialect()()
    return str(clause.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
