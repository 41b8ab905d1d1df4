"""The time between two timestamps."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from .timestamps import Instant, has_time_zone, instant

POSTGRESQL_TYPES = {
    False: ("TIMESTAMP", "tsrange_subdiff"),
    True: ("TIMESTAMP WITH TIME ZONE", "tstzrange_subdiff"),
}
"""The type of timestamps with or without a time zone, and the function that subtracts them."""

POSTGRESQL_USUAL = "'1980-01-01' AND '2050-01-01'"
"""Timestamps that PostgreSQL subtracts fast. It subtracts others more slowly."""


class elapsed_ms(FunctionElement[int]):
    """Whole milliseconds between two timestamps or instants, cut towards zero (1,999 µs: 1).

    An `is_unreadable` timestamp is an error of the database.
    """

    name = "elapsed_ms"
    type = sa.BigInteger()
    inherit_cache = True

    def __init__(self, *moments: sa.ColumnElement[Any]) -> None:
        super().__init__(*(at if isinstance(at.type, Instant) else instant(at) for at in moments))


@compiles(elapsed_ms, "postgresql")
def _elapsed_ms_postgresql(element: elapsed_ms, compiler: SQLCompiler, **kw: Any) -> str:
    aware = any(has_time_zone(clause.type) for clause in element.clauses)
    column_type, seconds = POSTGRESQL_TYPES[aware]
    start, end = (
        f"CAST({compiler.process(clause, **kw)} AS {column_type})" for clause in element.clauses
    )
    # The range type's function takes a third of the time of `date_part('epoch', end - start)`. Its
    # double of seconds resolves microseconds for 71 years, and it subtracts infinity too.
    is_usual = " AND ".join(f"{at} BETWEEN {POSTGRESQL_USUAL}" for at in (start, end))
    usual = f"{seconds}({end}, {start})"
    other = f"(extract(epoch FROM {end}) - extract(epoch FROM {start}))"
    return (
        f"(CASE WHEN {is_usual} THEN CAST({usual} * 1000000 AS BIGINT)"
        f" ELSE CAST({other} * 1000000 AS BIGINT) END / 1000)"
    )


@compiles(elapsed_ms, "mysql", "mariadb")
def _elapsed_ms_mysql(element: elapsed_ms, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({_mysql_microseconds(start, end)} DIV 1000)"


@compiles(elapsed_ms, "sqlite")
def _elapsed_ms_sqlite(element: elapsed_ms, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(({end} - {start}) / 1000)"


class elapsed_us(FunctionElement[int]):
    """The microseconds between two instants."""

    name = "elapsed_us"
    type = sa.BigInteger()
    inherit_cache = True


@compiles(elapsed_us, "postgresql")
def _elapsed_us_postgresql(element: elapsed_us, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    # Unlike `date_part`, `extract` is exact however long the time.
    return f"CAST(extract(epoch FROM {end} - {start}) * 1000000 AS BIGINT)"


@compiles(elapsed_us, "mysql", "mariadb")
def _elapsed_us_mysql(element: elapsed_us, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return _mysql_microseconds(start, end)


@compiles(elapsed_us, "sqlite")
def _elapsed_us_sqlite(element: elapsed_us, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({end} - {start})"


def _mysql_microseconds(start: str, end: str) -> str:
    # TIMESTAMPDIFF is null for a zero date. The error is an integer overflow, unless one is null.
    error = f"9223372036854775807 + LENGTH(CONCAT({start}, {end})) /* not a date */"
    return f"IFNULL(TIMESTAMPDIFF(MICROSECOND, {start}, {end}), {error})"
