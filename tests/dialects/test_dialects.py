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
    is_one_of,
    is_unreadable,
    not_before,
)
from flask_task_metrics.figures.packing import packed_durations
from tests.support.databases import on
from tests.support.host import add_tasks, snapshot_of
from tests.support.tasks import COMPLETED, FAILED

START = sa.column("created_at", sa.DateTime)
END = sa.column("completed_at", sa.DateTime)
STATUS = sa.column("status", sa.String)

CONSTRUCTS: dict[str, sa.ColumnElement[Any]] = {
    "elapsed_ms": elapsed_ms(START, END),
    "is_unreadable": is_unreadable(START),
    "not_before": not_before(START, END),
    "exact_text": exact_text(STATUS),
    "group_key": group_key(STATUS),
    "is_one_of": is_one_of(STATUS, ("done",)),
}

MYSQL_ELAPSED = (
    "(IFNULL(TIMESTAMPDIFF(MICROSECOND, created_at, completed_at), 9223372036854775807 "
    "+ LENGTH(CONCAT(created_at, completed_at)) /* not a date */) DIV 1000)"
)


@pytest.mark.parametrize(
    ("construct", "expected"),
    [
        ("elapsed_ms", MYSQL_ELAPSED),
        ("is_unreadable", "(MONTH(created_at) = 0 OR DAYOFMONTH(created_at) = 0)"),
        ("not_before", "(created_at >= completed_at)"),
        ("exact_text", "CAST(CONVERT(status USING utf8mb4) AS BINARY)"),
        ("group_key", "SHA2(status, 256)"),
        ("is_one_of", "status IN ('done', 'done')"),
    ],
)
def test_mysql_is_given_the_sql_of_mariadb(construct: str, expected: str) -> None:
    assert expected == compiled(CONSTRUCTS[construct], "mysql")


@pytest.mark.parametrize(
    ("construct", "expected"),
    [
        ("not_before", "(created_at >= completed_at)"),
        ("exact_text", '(CAST(status AS TEXT) COLLATE "C")'),
        ("group_key", "status"),
        ("is_one_of", "status IN ('done')"),
    ],
)
def test_postgresql_is_given_conditions_that_its_indexes_serve(
    construct: str, expected: str
) -> None:
    assert expected == compiled(CONSTRUCTS[construct], "postgresql")


AWARE_END = sa.column("completed_at", sa.DateTime(timezone=True))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (END, "tsrange_subdiff(CAST(completed_at AS TIMESTAMP),"),
        (AWARE_END, "tstzrange_subdiff(CAST(completed_at AS TIMESTAMP WITH TIME ZONE),"),
    ],
)
def test_postgresql_subtracts_timestamps_of_their_own_type(
    end: sa.ColumnElement[Any], expected: str
) -> None:
    assert expected in compiled(elapsed_ms(START, end), "postgresql")


@pytest.mark.parametrize(("database", "expected"), [("mysql", True), ("mariadb", False)])
def test_mysql_alone_is_told_to_pack_long_texts(database: str, *, expected: bool) -> None:
    packed = packed_durations(sa.select(sa.column("wait", sa.BigInteger)))
    assert expected == ("SET_VAR(group_concat_max_len = " in compiled(packed, database))


@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_a_database_that_is_not_supported_is_given_no_sql(construct: str) -> None:
    with pytest.raises(UnsupportedCompilationError, match=construct):
        compiled(CONSTRUCTS[construct], "oracle")


@pytest.mark.parametrize("database", ["mysql", "mariadb", "postgresql", "sqlite"])
def test_a_condition_is_not_compared_with_a_boolean(database: str) -> None:
    query = sa.select(sa.literal(1)).where(CONSTRUCTS["not_before"])
    assert "= 1" not in compiled(query, database)


@on("mariadb")
def test_the_strict_mode_of_mysql_takes_every_query(engine: sa.Engine) -> None:
    add_tasks(engine, COMPLETED, FAILED)
    modes = "SET sql_mode = 'ONLY_FULL_GROUP_BY,ANSI,STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'"
    strict = sa.create_engine(engine.url, connect_args={"init_command": modes})
    assert snapshot_of(engine) == snapshot_of(strict)
    strict.dispose()


def compiled(clause: sa.ClauseElement, database: str) -> str:
    dialect = sa.make_url(f"{database}://").get_dialect()()
    return str(clause.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
