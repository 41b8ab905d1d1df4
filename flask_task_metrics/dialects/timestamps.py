"""Timestamps in SQL: one construct for each idea, one compilation for each database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

SQLITE_SECONDS = "YYYY-MM-DD[ T]HH:MM:SS".translate(dict.fromkeys(map(ord, "YMDHS"), "[0-9]"))
"""A GLOB for a timestamp's text up to its seconds."""

SQLITE_USUAL = f"????-??-?? ??:??:??.{'[0-9]' * 6}"
"""A GLOB for what SQLAlchemy writes, and for what is no time, which `julianday` tells sooner than a
GLOB with more digits. Text in any other form is read as exactly, but more slowly.
"""


class UtcSecond(sa.types.TypeDecorator[datetime]):
    """A whole UTC second as a bound value, in the form that each database compares with its
    timestamps.

    On SQLite it is text that ends with the seconds, and so sorts before each fraction of them.
    `timezone` is that of the column, since PostgreSQL leaves out partitions for a value of the
    column's own type only.
    """

    impl = sa.DateTime
    cache_ok = True

    def __init__(self, timezone: bool = True) -> None:
        super().__init__(timezone=timezone)
        self.timezone = timezone

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Text on SQLite, which has no timestamps."""
        return dialect.type_descriptor(
            sa.String() if dialect.name == "sqlite" else sa.DateTime(timezone=self.timezone)
        )

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """The second without its zone, where columns have none."""
        if value is None or (dialect.name == "postgresql" and self.timezone):
            return value
        naive = value.replace(tzinfo=None)
        return naive.isoformat(" ", "seconds") if dialect.name == "sqlite" else naive


# The condition has no type: what is typed Boolean SQLAlchemy compares with 1 where a database
# has no booleans, and no index serves that.


class not_before(FunctionElement[bool]):
    """Whether a timestamp is at a whole second or later, in a form that an index on the timestamp
    serves.
    """

    name = "not_before"
    inherit_cache = True


@compiles(not_before, "postgresql")
@compiles(not_before, "mysql", "mariadb")
def _not_before(element: not_before, compiler: SQLCompiler, **kw: Any) -> str:
    timestamp, second = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({timestamp} >= {second})"


@compiles(not_before, "sqlite")
def _not_before_sqlite(element: not_before, compiler: SQLCompiler, **kw: Any) -> str:
    timestamp, second = (compiler.process(clause, **kw) for clause in element.clauses)
    # Text written with a "T" sorts after all of its day's text written with a space.
    with_t = f"replace({second}, ' ', 'T')"
    other_form = f"{timestamp} < substr({with_t}, 1, 11) OR {timestamp} >= {with_t}"
    other = f"({other_form}) AND {_sqlite_if_utc(timestamp, '1')}"
    is_usual = f"{timestamp} GLOB '{SQLITE_USUAL}' AND julianday({timestamp}) IS NOT NULL"
    return f"({timestamp} >= {second} AND CASE WHEN {is_usual} THEN 1 ELSE {other} END)"


class Instant(sa.types.TypeDecorator[datetime]):
    """A point in time in the form that each database subtracts fastest: on SQLite microseconds
    since 1970, elsewhere its own timestamps.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """A whole number on SQLite, which has no timestamps."""
        is_sqlite = dialect.name == "sqlite"
        return dialect.type_descriptor(sa.BigInteger() if is_sqlite else UtcSecond())

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """A whole second as microseconds, where that is the form."""
        if value is None or dialect.name != "sqlite":
            return value
        return int(value.timestamp()) * 1_000_000


class instant(FunctionElement[datetime]):
    """A timestamp as an `Instant`."""

    name = "instant"
    type = Instant()
    inherit_cache = True


@compiles(instant, "postgresql")
@compiles(instant, "mysql", "mariadb")
def _instant(element: instant, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(instant, "sqlite")
def _instant_sqlite(element: instant, compiler: SQLCompiler, **kw: Any) -> str:
    timestamp = compiler.process(element.clauses, **kw)
    # julianday and %f round to milliseconds, so the seconds and the fraction behind them are read
    # apart. julianday is the quickest to read the seconds, once the fraction is taken off again.
    micros = f"substr({timestamp}, 21)"
    seconds = f"round((julianday({timestamp}) - 2440587.5) * 86400.0 - {micros} / 1000000.0)"
    usual = f"CAST({seconds} AS INTEGER) * 1000000 + {micros}"
    seconds = f"CAST(strftime('%s', substr({timestamp}, 1, 19)) AS INTEGER)"
    fraction = f"CAST(round(CAST('0' || substr({timestamp}, 20) AS REAL) * 1000000) AS INTEGER)"
    other = _sqlite_if_utc(timestamp, f"{seconds} * 1000000 + {fraction}")
    # What only looks like a time is null there, and an error in the other form.
    return f"ifnull(CASE WHEN {timestamp} GLOB '{SQLITE_USUAL}' THEN {usual} END, {other})"


def _sqlite_if_utc(timestamp: str, value: str) -> str:
    """A value where a timestamp is null or UTC; for any other text an error, of overflow, since a
    query of SQLite's can raise none of its own.
    """
    seconds = f"substr({timestamp}, 1, 19)"
    zone = f"rtrim(ltrim(substr({timestamp}, 20), '.0123456789'), 'Z')"
    is_utc = (
        f"{seconds} GLOB '{SQLITE_SECONDS}' AND strftime('%s', {seconds}) IS NOT NULL "
        f"AND {zone} IN ('', '+00:00')"
    )
    error = f"abs(-9223372036854775808 + 0 * length({timestamp}) /* not a UTC timestamp */)"
    return f"CASE WHEN {timestamp} IS NULL OR {is_utc} THEN {value} ELSE {error} END"


class elapsed_ms(FunctionElement[int]):
    """Whole milliseconds from one timestamp or instant to another, cut towards zero at microsecond
    input.
    """

    name = "elapsed_ms"
    type = sa.BigInteger()
    inherit_cache = True

    def __init__(self, *moments: sa.ColumnElement[Any]) -> None:
        super().__init__(*(at if isinstance(at.type, Instant) else instant(at) for at in moments))


@compiles(elapsed_ms, "postgresql")
def _elapsed_ms_postgresql(element: elapsed_ms, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    # A double, which tells microseconds apart for 285 years; `extract` always does, and has the
    # latencies take a third longer.
    return f"(CAST(date_part('epoch', {end} - {start}) * 1000000 AS BIGINT) / 1000)"


@compiles(elapsed_ms, "mysql", "mariadb")
def _elapsed_ms_mysql(element: elapsed_ms, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(TIMESTAMPDIFF(MICROSECOND, {start}, {end}) DIV 1000)"


@compiles(elapsed_ms, "sqlite")
def _elapsed_ms_sqlite(element: elapsed_ms, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(({end} - {start}) / 1000)"
