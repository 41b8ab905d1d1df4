"""A mapping: from a selectable and the columns of each role to one subquery of tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.visitors import iterate

from flask_task_metrics.exceptions import ConfigurationError

from .column_types import check_timestamp
from .columns import Column, Columns

OPTIONAL = ("error_message", "error_code", "request_id")

OPTIONAL_TIMESTAMPS = ("created_at", "processing_at", "completed_at")
"""The timestamps that a host may do without."""

TIMESTAMPS = ("created_at", "processing_at", "completed_at", "updated_at")


def mapped_tasks(selectable: Any, columns: Mapping[str, Column | None]) -> sa.Subquery:
    """Select the columns of each role, under the role's name.

    Raises `ConfigurationError` for a column that is missing or of the wrong type.
    """
    if isinstance(selectable, sa.SelectBase):
        selectable = selectable.subquery()
    known = Columns(selectable)
    labels = [
        _expression(known, role, column).label(role)
        for role, column in columns.items()
        if role != "due_at" or column is not None
    ]
    tasks = sa.select(*labels).select_from(selectable)
    _check_tables(selectable, tasks.columns_clause_froms)
    subquery = tasks.subquery("tasks")
    for role in (*TIMESTAMPS, "due_at"):
        if columns[role] is not None:
            check_timestamp(role, subquery.c[role].type)
    return subquery


def _expression(known: Columns, role: str, column: Column | None) -> Any:
    if column is None and role == "request_id" and role in known:
        column = role
    if column is None and role in OPTIONAL:
        return sa.null()
    if column is None and role in OPTIONAL_TIMESTAMPS:
        return sa.cast(sa.null(), sa.DateTime())
    expression = known.expression(role, column)
    if role in OPTIONAL_TIMESTAMPS and _is_null(expression):
        raise ConfigurationError(f"{role} is mapped to null; say {role}=None if it is not recorded")
    return expression


def _is_null(expression: Any) -> bool:
    parts = list(iterate(expression))
    has_column = any(isinstance(part, sa.ColumnClause) for part in parts)
    return not has_column and any(isinstance(part, sa.Null) for part in parts)


def _check_tables(selectable: Any, mapped: Iterable[sa.FromClause]) -> None:
    whole = (
        selectable if isinstance(selectable, sa.FromClause) else sa.inspect(selectable).selectable
    )
    known = list(_joined(whole))
    if others := [table for table in mapped if table not in known]:
        tables = ", ".join(table.description for table in (whole, *others))
        raise ConfigurationError(
            f"the mapped columns come from several tables ({tables}); "
            "join them in a subquery and map that"
        )


def _joined(selectable: sa.FromClause) -> Iterator[sa.FromClause]:
    """Yield a selectable, and all that it joins."""
    yield selectable
    if isinstance(selectable, sa.Join):
        yield from _joined(selectable.left)
        yield from _joined(selectable.right)
