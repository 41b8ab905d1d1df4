"""Steps of time: the number of the step that holds a timestamp."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from .databases import family_of
from .elapsed import POSTGRESQL_TYPES
from .timestamps import Instant, has_time_zone, instant

MYSQL_YEAR_0 = 365
"""MySQL's number of a day minus Python's ordinal."""


class StepStart(Instant):
    """The beginning of a step as a bound value: seconds since the year 0 on MySQL and MariaDB, and
    an `Instant` elsewhere.

    MySQL would compute the seconds of a timestamp anew for each row.
    """

    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Use an integer on MySQL."""
        if family_of(dialect) == "mysql":
            return dialect.type_descriptor(sa.BigInteger())
        return super().load_dialect_impl(dialect)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Convert a whole second to the number that `TO_SECONDS` returns for it on MySQL."""
        if value is None or family_of(dialect) != "mysql":
            return super().process_bind_param(value, dialect)
        days = value.toordinal() + MYSQL_YEAR_0
        return days * 86_400 + value.hour * 3_600 + value.minute * 60 + value.second


class step_number(FunctionElement[int]):
    """The number of the step that holds a timestamp or instant, counted from zero.

    `first` is a `StepStart`, and `seconds` the length of each step. Later timestamps than those of
    the step `last` belong to that.
    """

    name = "step_number"
    type = sa.BigInteger()
    inherit_cache = True

    def __init__(
        self,
        at: sa.ColumnElement[Any],
        first: sa.ColumnElement[Any],
        seconds: sa.ColumnElement[int],
        last: sa.ColumnElement[int],
    ) -> None:
        super().__init__(at if isinstance(at.type, Instant) else instant(at), first, seconds, last)


@compiles(step_number, "postgresql")
def _step_number_postgresql(element: step_number, compiler: SQLCompiler, **kw: Any) -> str:
    timestamp, *_ = element.clauses
    at, first, seconds, last = (compiler.process(clause, **kw) for clause in element.clauses)
    column_type, elapsed = POSTGRESQL_TYPES[has_time_zone(timestamp.type)]
    # It subtracts infinity too, and fast. Its double of seconds is exact to the microsecond.
    since_first = f"{elapsed}(CAST({at} AS {column_type}), {first})"
    return f"LEAST(CAST(floor({since_first}) AS BIGINT) / {seconds}, {last})"


@compiles(step_number, "mysql", "mariadb")
def _step_number_mysql(element: step_number, compiler: SQLCompiler, **kw: Any) -> str:
    at, first, seconds, last = (compiler.process(clause, **kw) for clause in element.clauses)
    # TO_SECONDS is null for a zero date. The error is an integer overflow.
    error = f"9223372036854775807 + LENGTH({at}) /* not a date */"
    return f"LEAST((IFNULL(TO_SECONDS({at}), {error}) - {first}) DIV {seconds}, {last})"


@compiles(step_number, "sqlite")
def _step_number_sqlite(element: step_number, compiler: SQLCompiler, **kw: Any) -> str:
    at, first, seconds, last = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"min(({at} - {first}) / (1000000 * {seconds}), {last})"


class step_key(FunctionElement[Any]):
    """A key to group the timestamps of a step by; `number_of_key` returns the step's number.

    On SQLite a step may have several keys.
    """

    name = "step_key"
    inherit_cache = True

    def __init__(
        self,
        timestamp: sa.ColumnElement[Any],
        first: sa.ColumnElement[Any],
        seconds: sa.ColumnElement[int],
        last: sa.ColumnElement[int],
    ) -> None:
        super().__init__(step_number(timestamp, first, seconds, last), timestamp, seconds)


@compiles(step_key, "postgresql")
@compiles(step_key, "mysql", "mariadb")
def _step_key(element: step_key, compiler: SQLCompiler, **kw: Any) -> str:
    number, _, _ = element.clauses
    return compiler.process(number, **kw)


@compiles(step_key, "sqlite")
def _step_key_sqlite(element: step_key, compiler: SQLCompiler, **kw: Any) -> str:
    _, timestamp, seconds = (compiler.process(clause, **kw) for clause in element.clauses)
    # Cutting a text at its second, minute, hour or day takes a fifth of the time of computing with
    # it.
    length = (
        f"CASE WHEN {seconds} % 60 THEN 19 WHEN {seconds} % 3600 THEN 16"
        f" WHEN {seconds} % 86400 THEN 13 ELSE 10 END"
    )
    return f"substr({timestamp}, 1, {length})"


class number_of_key(FunctionElement[int]):
    """The number of the step that has a key; see `step_number`."""

    name = "number_of_key"
    type = sa.BigInteger()
    inherit_cache = True

    def __init__(
        self,
        key: sa.ColumnElement[Any],
        first: sa.ColumnElement[Any],
        seconds: sa.ColumnElement[int],
        last: sa.ColumnElement[int],
    ) -> None:
        super().__init__(key, first, seconds, last)


@compiles(number_of_key, "postgresql")
@compiles(number_of_key, "mysql", "mariadb")
def _number_of_key(element: number_of_key, compiler: SQLCompiler, **kw: Any) -> str:
    key, _, _, _ = element.clauses
    return compiler.process(key, **kw)


@compiles(number_of_key, "sqlite")
def _number_of_key_sqlite(element: number_of_key, compiler: SQLCompiler, **kw: Any) -> str:
    key, first, seconds, last = (compiler.process(clause, **kw) for clause in element.clauses)
    second = f"strftime('%s', {key} || substr('0000-00-00 00:00:00', length({key}) + 1))"
    return f"min(({second} - {first} / 1000000) / {seconds}, {last})"
