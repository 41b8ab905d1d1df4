"""Timestamps from numbers since 1970."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class epoch_timestamp(FunctionElement[datetime]):
    """A naive UTC timestamp, cut at the microsecond, from a number of units since 1970.

    `per_unit` is the microseconds of a unit, and `units` the units of a microsecond: one of them
    is 1.
    """

    name = "epoch_timestamp"
    type = sa.DateTime()
    inherit_cache = True

    def __init__(self, number: sa.ColumnElement[Any], *, per_unit: int = 1, units: int = 1) -> None:
        super().__init__(number, *(sa.literal_column(str(size)) for size in (per_unit, units)))


@dataclass(frozen=True)
class _Number:
    """The SQL of a number and its unit, and whether the column holds integers alone."""

    sql: str
    per_unit: str
    units: str
    is_integer: bool


def _number(element: epoch_timestamp, compiler: SQLCompiler, **kw: Any) -> _Number:
    number, per_unit, units = element.clauses
    sql = compiler.process(number, **kw)
    is_integer = isinstance(number.type, sa.Integer)
    return _Number(sql, compiler.process(per_unit, **kw), compiler.process(units, **kw), is_integer)


@compiles(epoch_timestamp, "postgresql")
def _postgresql(element: epoch_timestamp, compiler: SQLCompiler, **kw: Any) -> str:
    number = _number(element, compiler, **kw)
    whole = "CAST({} AS BIGINT)" if number.is_integer else "CAST(trunc({}) AS BIGINT)"
    micros = _microseconds(number, whole, "/")
    return f"(TIMESTAMP '1970-01-01' + ({micros}) * INTERVAL '1 microsecond')"


@compiles(epoch_timestamp, "mysql", "mariadb")
def _mysql(element: epoch_timestamp, compiler: SQLCompiler, **kw: Any) -> str:
    number = _number(element, compiler, **kw)
    micros = _microseconds(
        number, "{}" if number.is_integer else "CAST(TRUNCATE({}, 0) AS SIGNED)", "DIV"
    )
    return f"(TIMESTAMP'1970-01-01 00:00:00.000000' + INTERVAL ({micros}) MICROSECOND)"


@compiles(epoch_timestamp, "sqlite")
def _sqlite(element: epoch_timestamp, compiler: SQLCompiler, **kw: Any) -> str:
    # A column that is declared INTEGER may hold fractions.
    number = replace(_number(element, compiler, **kw), is_integer=False)
    micros = _microseconds(number, "CAST({} AS INTEGER)", "/")
    # SQLite's remainder is negative before 1970.
    fraction = f"((({micros}) % 1000000 + 1000000) % 1000000)"
    seconds = f"strftime('%Y-%m-%d %H:%M:%S', ({micros} - {fraction}) / 1000000, 'unixepoch')"
    return f"({seconds} || printf('.%06d', {fraction}))"


def _microseconds(number: _Number, whole: str, divide: str) -> str:
    """Return SQL for a number in microseconds; `whole` cuts a number to an integer."""
    integer = whole.format(number.sql)
    if number.units != "1":
        return f"{integer} {divide} {number.units}"
    scaled = f"{integer} * {number.per_unit}"
    if number.is_integer:
        return scaled
    # The fraction is scaled apart, since a scaled float would be rounded.
    fraction = whole.format(f"({number.sql} - {integer}) * {number.per_unit}")
    return f"{scaled} + {fraction}"
