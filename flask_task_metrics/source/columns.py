"""Columns: from a name, an expression or several of these to one SQL expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, QueryableAttribute

from flask_task_metrics.dialects import epoch_timestamp
from flask_task_metrics.exceptions import ConfigurationError

from .column_types import plain_type

EpochUnit: TypeAlias = Literal["s", "ms", "us", "ns"]

EPOCH_UNITS: Mapping[str, Mapping[str, int]] = {
    "s": {"per_unit": 1_000_000},
    "ms": {"per_unit": 1_000},
    "us": {},
    "ns": {"units": 1_000},
}


@dataclass(frozen=True)
class Epoch:
    """A timestamp that is stored as a number since 1970; see `from_epoch`."""

    column: Any
    unit: str


Column: TypeAlias = (
    str
    | sa.ColumnElement[Any]
    | QueryableAttribute[Any]
    | Epoch
    | Sequence["str | sa.ColumnElement[Any] | QueryableAttribute[Any] | Epoch"]
)


def from_epoch(
    column: str | sa.ColumnElement[Any] | QueryableAttribute[Any], unit: EpochUnit
) -> Epoch:
    """Map a number of seconds (`s`), `ms`, `us` or `ns` since 1970-01-01 UTC to a timestamp.

    `column` is a name or an expression; it holds integers, floats or decimals. A part of a
    microsecond is cut. For example `TaskSource(Job, created_at=from_epoch("created", "ms"))`.

    Raises `ConfigurationError` for another unit.
    """
    if unit not in EPOCH_UNITS:
        raise ConfigurationError(
            f"from_epoch has the unit {unit!r}; it must be one of {', '.join(EPOCH_UNITS)}"
        )
    return Epoch(column, unit)


class Columns:
    """The columns of a model, a table, a view or a subquery."""

    def __init__(self, selectable: Any) -> None:
        self._selectable = selectable
        self._names = _names(selectable)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def expression(self, role: str, column: object) -> Any:
        """Return the SQL expression of a role; of several, the first that is not null counts.

        Raises `ConfigurationError` for a column that is missing, or that is no SQL expression.
        """
        if isinstance(column, Sequence) and not isinstance(column, str):
            expressions = [self.expression(role, one) for one in column]
            if not expressions:
                raise ConfigurationError(f"{role} is mapped to no column; name at least one")
            return expressions[0] if len(expressions) == 1 else sa.func.coalesce(*expressions)
        if isinstance(column, Epoch):
            return self._timestamp(role, column)
        found = column
        if isinstance(column, str) and column in self:
            found = self._named(role, column)
        if not isinstance(found, sa.ColumnElement | QueryableAttribute):
            raise ConfigurationError(
                f"{role} is mapped to {column!r}; it must be a SQL expression or the name of a "
                f"column, one of {', '.join(self._names)}"
            )
        return found

    def _timestamp(self, role: str, epoch: Epoch) -> sa.ColumnElement[Any]:
        number = self.expression(role, epoch.column)
        if not isinstance(plain_type(number.type), sa.Integer | sa.Numeric | sa.Float):
            raise ConfigurationError(
                f"{role} is mapped from_epoch of a column of type {number.type!r}; "
                "it must hold numbers"
            )
        return epoch_timestamp(number, **EPOCH_UNITS[epoch.unit])

    def _named(self, role: str, name: str) -> Any:
        if isinstance(self._selectable, sa.FromClause):
            return self._selectable.columns[name]
        try:
            return getattr(self._selectable, name)
        except Exception as error:
            raise ConfigurationError(
                f"{role} is mapped to {name!r}, which gives no SQL expression on the class"
            ) from error


def _names(selectable: Any) -> list[str]:
    if isinstance(selectable, sa.FromClause):
        return list(selectable.columns.keys())
    mapper = getattr(sa.inspect(selectable, raiseerr=False), "mapper", None)
    if not isinstance(mapper, Mapper):
        raise ConfigurationError(
            f"the source is {selectable!r}; it must be a model, a Table, a view or a subquery"
        )
    return [name for name in dict(mapper.all_orm_descriptors) if name not in mapper.relationships]
