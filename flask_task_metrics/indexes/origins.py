"""The tables and columns that a source's columns come from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from flask_task_metrics.exceptions import ConfigurationError
from flask_task_metrics.source import TaskSource

from .by_hand import to_index_by_hand
from .keys import KEYS

BEYOND_A_ROW = (sa.Over, sa.WithinGroup, sa.FunctionFilter, sa.SelectBase)
"""Constructs that read other rows than the one of an index entry."""


def task_table(source: TaskSource, dimensions: Sequence[str] = ()) -> sa.Table:
    """Return the one table whose columns the indexes are on.

    Raises `ConfigurationError` if there is none, or several.
    """
    roles = [*chain(*KEYS), *(source.dimension(name).role for name in dimensions)]
    tables = {
        element.table
        for role in roles
        for element in iterate(part_of(source, role))
        if isinstance(element, sa.ColumnClause) and not element.is_literal
    }
    if len(tables) != 1 or not isinstance(table := tables.pop(), sa.Table):
        raise _no_index(source, "the columns to index belong to no single table")
    return table


def part_of(source: TaskSource, role: str) -> sa.ColumnElement[Any]:
    """Return a mapped column as a column of a table, or as an expression over such columns.

    Raises `ConfigurationError` if no index can have it.
    """
    part = _in_table(source, role, source.mapped.c[role])
    if any(isinstance(element, BEYOND_A_ROW) for element in iterate(part)):
        raise _no_index(source, f"no index can have {role}, since it is read from several rows")
    return part


def _in_table(
    source: TaskSource, role: str, expression: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """Return an expression over table columns for one over the columns of subqueries."""

    def base(element: Any, **options: Any) -> sa.ColumnElement[Any] | None:
        if not isinstance(element, sa.ColumnClause) or element.base_columns == {element}:
            return None
        if len(element.base_columns) > 1:
            raise _no_index(source, f"the column {element.name!r} comes from several selects")
        [column] = element.base_columns
        if not isinstance(column, sa.ColumnClause) and _is_grouped(element.table):
            raise _no_index(source, f"no index can have {role}, since it is an aggregate")
        return _in_table(source, role, column)

    found: sa.ColumnElement[Any] = replacement_traverse(expression, {}, base)
    return found


def _is_grouped(selectable: Any) -> bool:
    """Return whether a subquery groups rows, in itself or in a subquery that it selects from."""
    return any(
        isinstance(element, sa.Select) and not element.compare(element.group_by(None))
        for element in iterate(selectable)
    )


def _no_index(source: TaskSource, reason: str) -> ConfigurationError:
    return ConfigurationError(f"{reason}; {to_index_by_hand(source)}")
