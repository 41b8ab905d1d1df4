"""How well a database keeps time: its clock, its timestamps, and a task for it to stop."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class utc_now(FunctionElement[datetime]):
    """What the database's clock shows while the statement runs, as a timestamp in UTC."""

    name = "utc_now"
    inherit_cache = True


@compiles(utc_now, "postgresql")
def _utc_now_postgresql(element: utc_now, compiler: SQLCompiler, **kw: Any) -> str:
    return "clock_timestamp()"


@compiles(utc_now, "mysql", "mariadb")
def _utc_now_mysql(element: utc_now, compiler: SQLCompiler, **kw: Any) -> str:
    return "UTC_TIMESTAMP(6)"


@compiles(utc_now, "sqlite")
def _utc_now_sqlite(element: utc_now, compiler: SQLCompiler, **kw: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f', 'now')"


class a_second_of_work(FunctionElement[int]):
    """A subquery that keeps the database, but nobody else, busy for about a second."""

    name = "a_second_of_work"
    type = sa.Integer()
    inherit_cache = True


@compiles(a_second_of_work, "postgresql")
def _a_second_of_work_postgresql(
    element: a_second_of_work, compiler: SQLCompiler, **kw: Any
) -> str:
    return "(SELECT 1 FROM pg_sleep(1))"


@compiles(a_second_of_work, "mysql", "mariadb")
def _a_second_of_work_mysql(element: a_second_of_work, compiler: SQLCompiler, **kw: Any) -> str:
    # As the only thing that a statement does, a SLEEP that MySQL stops is no error.
    return "(SELECT 1 FROM (SELECT 1) AS task WHERE SLEEP(1) = 0)"


@compiles(a_second_of_work, "sqlite")
def _a_second_of_work_sqlite(element: a_second_of_work, compiler: SQLCompiler, **kw: Any) -> str:
    return (
        "(WITH RECURSIVE step(number) AS "
        "(SELECT 1 UNION ALL SELECT number + 1 FROM step WHERE number < 3000000) "
        "SELECT count(*) FROM step)"
    )


INFORMATION = sa.table(
    "columns",
    *(sa.column(name) for name in ("table_schema", "table_name", "column_name")),
    sa.column("datetime_precision"),
    schema="information_schema",
)


def coarse_columns(connection: sa.Connection, table: sa.Table) -> set[str]:
    """The columns of a table whose timestamps have whole seconds alone."""
    if connection.dialect.name == "sqlite":
        return set()
    columns = INFORMATION.c
    query = sa.select(columns.column_name).where(
        columns.table_schema == (table.schema or connection.dialect.default_schema_name),
        columns.table_name == table.name,
        columns.datetime_precision == 0,
    )
    return set(connection.scalars(query))


def is_not_utc(error: BaseException | None) -> bool:
    """Whether an error is how SQLite says that it came upon a timestamp which is not UTC."""
    return isinstance(error, DBAPIError) and str(error.orig) == "integer overflow"
