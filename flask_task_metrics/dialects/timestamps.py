"""Timestamps in SQL: comparing them with a moment, and subtracting them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from .databases import PerDatabase, family_of
from .unreadable import sqlite_if_utc

HAS_TEXT_TIMESTAMPS = PerDatabase(sqlite=True, postgresql=False, mysql=False)

SQLITE_USUAL = f"????-??-?? ??:??:??.{'[0-9]' * 6}"
"""A GLOB for the form that SQLAlchemy writes. It also lets through text that is no time:
`julianday` rejects that faster than a GLOB with more digits would. Other forms are read as exactly,
but more slowly.
"""


def has_text_timestamps(dialect: sa.Dialect) -> bool:
    """Return whether timestamps are text, and sort by their form: a "T" comes after a space."""
    return HAS_TEXT_TIMESTAMPS.of(dialect)


class UtcSecond(sa.types.TypeDecorator[datetime]):
    """A whole UTC second as a bound value that each database can compare with its timestamps.

    On SQLite it is text without a fraction: it sorts before every fraction of the same second.
    `timezone` must be the column's, since PostgreSQL prunes partitions only for a value of the
    column's own type.
    """

    impl = sa.DateTime
    cache_ok = True

    def __init__(self, timezone: bool = True) -> None:
        super().__init__(timezone=timezone)
        self.timezone = timezone

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Use text on SQLite, which has no timestamp type."""
        return dialect.type_descriptor(
            sa.String() if has_text_timestamps(dialect) else sa.DateTime(timezone=self.timezone)
        )

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Drop the time zone where columns have none."""
        if value is None or (family_of(dialect) == "postgresql" and self.timezone):
            return value
        naive = value.replace(tzinfo=None)
        return naive.isoformat(" ", "seconds") if has_text_timestamps(dialect) else naive


# The condition is untyped. SQLAlchemy compares a Boolean with 1 on a database without booleans, and
# no index serves that.


class not_before(FunctionElement[bool]):
    """Whether a timestamp is at a whole second or later, as a condition that an index serves."""

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
    # Text with a "T" sorts after all text of the same day with a space.
    with_t = f"replace({second}, ' ', 'T')"
    other_form = f"{timestamp} < substr({with_t}, 1, 11) OR {timestamp} >= {with_t}"
    other = f"({other_form}) AND {sqlite_if_utc(timestamp, '1')}"
    is_usual = f"{timestamp} GLOB '{SQLITE_USUAL}' AND julianday({timestamp}) IS NOT NULL"
    return f"({timestamp} >= {second} AND CASE WHEN {is_usual} THEN 1 ELSE {other} END)"


class before(FunctionElement[bool]):
    """Whether a timestamp is before a whole second, as a condition that an index serves.

    On SQLite it is exact for timestamps for which `not_before` is no error.
    """

    name = "before"
    inherit_cache = True


@compiles(before, "postgresql")
@compiles(before, "mysql", "mariadb")
def _before(element: before, compiler: SQLCompiler, **kw: Any) -> str:
    timestamp, second = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({timestamp} < {second})"


@compiles(before, "sqlite")
def _before_sqlite(element: before, compiler: SQLCompiler, **kw: Any) -> str:
    timestamp, second = (compiler.process(clause, **kw) for clause in element.clauses)
    # The first condition serves as the end of a range for both forms.
    has_t = f"substr({timestamp}, 11, 1) = 'T'"
    return f"({timestamp} < replace({second}, ' ', 'T') AND ({timestamp} < {second} OR {has_t}))"


class Instant(sa.types.TypeDecorator[datetime]):
    """A moment in the form that each database subtracts fastest: microseconds since 1970 on SQLite,
    the database's own timestamps elsewhere, with or without a time zone.
    """

    impl = sa.DateTime
    cache_ok = True

    def __init__(self, timezone: bool = True) -> None:
        super().__init__(timezone=timezone)
        self.timezone = timezone

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Use an integer on SQLite, which has no timestamp type."""
        is_sqlite = family_of(dialect) == "sqlite"
        return dialect.type_descriptor(sa.BigInteger() if is_sqlite else UtcSecond(self.timezone))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Convert a whole second to microseconds on SQLite."""
        if value is None or family_of(dialect) != "sqlite":
            return value
        return int(value.timestamp()) * 1_000_000


def has_time_zone(timestamp_type: Any) -> bool:
    """Return whether timestamps of a type have a time zone; True if the type doesn't tell."""
    while isinstance(timestamp_type, sa.TypeDecorator):
        timestamp_type = timestamp_type.impl_instance
    return bool(getattr(timestamp_type, "timezone", True))


class instant(FunctionElement[datetime]):
    """A timestamp as an `Instant`."""

    name = "instant"
    inherit_cache = True

    def __init__(self, timestamp: sa.ColumnElement[Any]) -> None:
        super().__init__(timestamp)
        self.type = Instant(has_time_zone(timestamp.type))


@compiles(instant, "postgresql")
@compiles(instant, "mysql", "mariadb")
def _instant(element: instant, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(instant, "sqlite")
def _instant_sqlite(element: instant, compiler: SQLCompiler, **kw: Any) -> str:
    timestamp = compiler.process(element.clauses, **kw)
    # julianday and %f round to milliseconds, so seconds and fraction are parsed apart. julianday
    # parses the seconds fastest, once the fraction is subtracted from its result.
    micros = f"substr({timestamp}, 21)"
    rounded = f"round((julianday({timestamp}) - 2440587.5) * 86400.0 - {micros} / 1000000.0)"
    usual = f"CAST({rounded} AS INTEGER) * 1000000 + {micros}"
    seconds = f"CAST(strftime('%s', substr({timestamp}, 1, 19)) AS INTEGER)"
    fraction = f"CAST(round(CAST('0' || substr({timestamp}, 20) AS REAL) * 1000000) AS INTEGER)"
    other = sqlite_if_utc(timestamp, f"{seconds} * 1000000 + {fraction}")
    # Text that only resembles a time is null in the usual form, and an error in the other.
    return f"ifnull(CASE WHEN {timestamp} GLOB '{SQLITE_USUAL}' THEN {usual} END, {other})"
