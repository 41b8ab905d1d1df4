"""Timestamps that no figure can be computed from."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from .databases import PerDatabase

SQLITE_SECONDS = "YYYY-MM-DD[ T]HH:MM:SS".translate(dict.fromkeys(map(ord, "YMDHS"), "[0-9]"))
"""A GLOB for a timestamp's text up to its seconds, in SQLAlchemy's form or ISO 8601's."""


class is_unreadable(FunctionElement[bool]):
    """Whether a timestamp can't be subtracted, or shown as a `datetime`: see `UNREADABLE`."""

    name = "is_unreadable"
    inherit_cache = True


UNREADABLE = PerDatabase(
    sqlite="text that is not a UTC timestamp",
    postgresql="infinity or a year after 9999",
    mysql="a zero date",
)
"""The timestamps of each database that no figure can be computed from."""


@compiles(is_unreadable, "postgresql")
def _is_unreadable_postgresql(element: is_unreadable, compiler: SQLCompiler, **kw: Any) -> str:
    timestamp = compiler.process(element.clauses, **kw)
    return f"({timestamp} = '-infinity' OR {timestamp} >= '10000-01-01')"


@compiles(is_unreadable, "mysql", "mariadb")
def _is_unreadable_mysql(element: is_unreadable, compiler: SQLCompiler, **kw: Any) -> str:
    timestamp = compiler.process(element.clauses, **kw)
    return f"(MONTH({timestamp}) = 0 OR DAYOFMONTH({timestamp}) = 0)"


@compiles(is_unreadable, "sqlite")
def _is_unreadable_sqlite(element: is_unreadable, compiler: SQLCompiler, **kw: Any) -> str:
    return _sqlite_is_unreadable(compiler.process(element.clauses, **kw))


def sqlite_if_utc(timestamp: str, value: str) -> str:
    """Return SQL for a value where a timestamp is null or UTC, and for an error elsewhere.

    A SQLite query can't raise an error of its own, so it provokes an integer overflow.
    """
    error = f"abs(-9223372036854775808 + 0 * length({timestamp}) /* not a UTC timestamp */)"
    return f"CASE WHEN {_sqlite_is_unreadable(timestamp)} THEN {error} ELSE {value} END"


def _sqlite_is_unreadable(timestamp: str) -> str:
    seconds = f"substr({timestamp}, 1, 19)"
    zone = f"rtrim(ltrim(substr({timestamp}, 20), '.0123456789'), 'Z')"
    return (
        f"({timestamp} IS NOT NULL AND NOT ({seconds} GLOB '{SQLITE_SECONDS}' "
        f"AND strftime('%s', {seconds}) IS NOT NULL AND {zone} IN ('', '+00:00')))"
    )
