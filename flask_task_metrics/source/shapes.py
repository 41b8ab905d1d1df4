"""The shape of a source: a table whose rows are tasks, or tasks derived from several rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.visitors import iterate

from .mapping import TIMESTAMPS


def is_derived(mapped: sa.Subquery) -> bool:
    """Return whether a database computes all tasks of a mapping to find those of a window.

    It must if a status or timestamp is no column of one and the same table, or if rows are grouped,
    limited, united or compared with each other. Otherwise an index can serve the window, even if
    other tables are joined.
    """
    roles = ("status", *TIMESTAMPS)
    tables = {column.table for role in roles for column in table_columns(mapped.c[role])}
    return len(tables) > 1 or not _keeps_rows(mapped.element)


def table_columns(expression: Any) -> Iterator[sa.ColumnClause[Any]]:
    """Yield the columns of tables that an expression is made of."""
    for element in iterate(expression):
        if not isinstance(element, sa.ColumnClause):
            continue
        for column in element.base_columns:
            if column is not element:
                yield from table_columns(column)
            elif element.table is not None:
                yield element


def _keeps_rows(selectable: Any) -> bool:
    """Return whether each row is one of a table, or of tables that are joined."""
    if isinstance(selectable, sa.Join):
        return _keeps_rows(selectable.left) and _keeps_rows(selectable.right)
    if isinstance(selectable, sa.Alias | sa.Subquery | sa.CTE):
        return _keeps_rows(selectable.element)
    if isinstance(selectable, sa.Select):
        froms = (child for child in selectable.get_children() if isinstance(child, sa.FromClause))
        return _only_filters(selectable) and all(map(_keeps_rows, froms))
    return isinstance(selectable, sa.TableClause)


def _only_filters(select: sa.Select[Any]) -> bool:
    """Return whether a select has no GROUP BY, LIMIT, DISTINCT or window function."""
    plain = select.group_by(None).limit(None).offset(None)
    elements = (element for column in select.selected_columns for element in iterate(column))
    return (
        select.compare(plain)
        and not select.compare(select.distinct())
        and not any(isinstance(element, sa.Over) for element in elements)
    )
