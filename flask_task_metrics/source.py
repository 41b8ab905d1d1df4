"""The host's task table, and what its columns mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, QueryableAttribute
from sqlalchemy.sql.visitors import iterate

from .exceptions import ConfigurationError
from .statuses import Status, StatusValue, python_type, stored_statuses

Selectable: TypeAlias = type[Any] | sa.FromClause | sa.SelectBase
Column: TypeAlias = str | sa.ColumnElement[Any] | QueryableAttribute[Any]

TIMESTAMPS = ("created_at", "processing_at", "completed_at", "updated_at")


class TaskSource:
    """The host's tasks: a model, a `Table`, a view or a subquery, and which of its columns mean
    what.

    Each column is the name of a column (on a model, of an attribute) or a SQL expression over the
    selectable. Timestamps without a time zone are taken to hold UTC. `statuses` maps the five names
    to the host's own values, one or several, strings or Enum members; what it leaves out keeps its
    own name, and an empty tuple says that the host has no such status.

    A source is looked into when `TaskMetrics.init_app` checks it, so that a model may refer to
    others that are defined after it.
    """

    def __init__(
        self,
        selectable: Selectable,
        *,
        id: Column = "id",
        status: Column = "status",
        created_at: Column = "created_at",
        processing_at: Column = "processing_at",
        completed_at: Column = "completed_at",
        updated_at: Column = "updated_at",
        error_message: Column = "error_message",
        error_code: Column | None = None,
        request_id: Column | None = None,
        statuses: Mapping[str, StatusValue | Iterable[StatusValue]] | None = None,
    ) -> None:
        self._columns: Mapping[str, Column] = {
            "id": id,
            "status": status,
            "created_at": created_at,
            "processing_at": processing_at,
            "completed_at": completed_at,
            "updated_at": updated_at,
            "error_message": error_message,
            "error_code": sa.null() if error_code is None else error_code,
            "request_id": sa.null() if request_id is None else request_id,
        }
        self._selectable = selectable
        self._statuses = statuses or {}

    @cached_property
    def rows(self) -> sa.Subquery:
        """The tasks, each column under the name of its meaning."""
        return _rows(self._selectable, self._columns)

    @cached_property
    def statuses(self) -> Mapping[Status, tuple[Any, ...]]:
        """The values that stand for each status, as the database stores them."""
        return stored_statuses(self.rows.c.status.type, self._statuses)

    @cached_property
    def bind_key(self) -> str | None:
        """The Flask-SQLAlchemy bind that the tables belong to; None is the default one."""
        return _bind_key(self.rows)

    def check(self) -> None:
        """Raise `ConfigurationError` for a column that is not there or of the wrong type, and for
        statuses that the column can't hold or that two names claim.
        """
        _ = self.statuses, self.bind_key


def _rows(selectable: Any, columns: Mapping[str, Column]) -> sa.Subquery:
    if isinstance(selectable, sa.SelectBase):
        selectable = selectable.subquery()
    names = _column_names(selectable)
    labels = [
        _column(selectable, names, role, column).label(role) for role, column in columns.items()
    ]
    tasks = sa.select(*labels).select_from(selectable)
    if len(tasks.get_final_froms()) > 1:
        tables = ", ".join(str(table) for table in tasks.get_final_froms())
        raise ConfigurationError(
            f"the mapped columns come from several tables ({tables}); "
            "join them in a subquery and map that"
        )
    rows = tasks.subquery("tasks")
    for role in TIMESTAMPS:
        _check_timestamp(role, rows.c[role].type)
    return rows


def _column_names(selectable: Any) -> list[str]:
    if isinstance(selectable, sa.FromClause):
        return list(selectable.columns.keys())
    mapper = getattr(sa.inspect(selectable, raiseerr=False), "mapper", None)
    if not isinstance(mapper, Mapper):
        raise ConfigurationError(
            f"the source is {selectable!r}; it must be a model, a Table, a view or a subquery"
        )
    return [name for name in dict(mapper.all_orm_descriptors) if name not in mapper.relationships]


def _column(selectable: Any, names: list[str], role: str, column: object) -> Any:
    found = column
    if isinstance(column, str) and column in names:
        found = _named_column(selectable, role, column)
    if not isinstance(found, sa.ColumnElement | QueryableAttribute):
        raise ConfigurationError(
            f"{role} is mapped to {column!r}; it must be a SQL expression or the name of a column, "
            f"one of {', '.join(names)}"
        )
    return found


def _named_column(selectable: Any, role: str, name: str) -> Any:
    if isinstance(selectable, sa.FromClause):
        return selectable.columns[name]
    try:
        return getattr(selectable, name)
    except Exception as error:
        raise ConfigurationError(
            f"{role} is mapped to {name!r}, which gives no SQL expression on the class"
        ) from error


def _check_timestamp(role: str, column_type: Any) -> None:
    if python_type(column_type) not in (datetime, None):
        raise ConfigurationError(
            f"{role} is mapped to a column of type {column_type!r}; it must be a timestamp, "
            "or an expression that makes it one"
        )


def _bind_key(rows: sa.Subquery) -> str | None:
    keys = {
        table.metadata.info.get("bind_key")
        for table in iterate(rows)
        if isinstance(table, sa.Table)
    }
    if len(keys) > 1:
        raise ConfigurationError(
            f"the mapped tables belong to several binds ({', '.join(map(str, keys))}); "
            "a snapshot is read from one database"
        )
    return next(iter(keys), None)
