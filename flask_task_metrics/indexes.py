"""The indexes that have a snapshot read its window and no more of the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from .dialects import existing_indexes, index_name, key_lengths
from .exceptions import ConfigurationError
from .source import TaskSource

KEYS = (
    ("created_at",),
    ("status", "updated_at"),
    # What the latencies are made of is in the index itself, so that no row has to be read.
    ("status", "completed_at", "created_at", "processing_at"),
)
"""What the recommended indexes consist of, by the columns' meanings: the fewest that serve."""


def recommended_indexes(source: TaskSource) -> list[sa.Index]:
    """The fewest indexes that have every figure read its window alone, for the table that a source
    reads.

    They belong to no table yet: `Table.append_constraint` takes them, and so do the arguments of a
    `Table`. Call it when all models are defined. A column that is mapped to a SQL expression is
    indexed as that expression, where the database has such indexes.

    Raises `ConfigurationError` where what is mapped comes from no table or from several.
    """
    table = task_table(source)
    keys = [_key(source, roles) for roles in KEYS]
    return [
        _index(table, key)
        for number, key in enumerate(keys)
        if not any(_begins_with(other, key) for other in keys[number + 1 :])
    ]


def task_table(source: TaskSource) -> sa.Table:
    """The one table that holds what the indexes consist of.

    Raises `ConfigurationError` where there is none, or several.
    """
    tables = {
        element.table
        for roles in KEYS
        for role in roles
        for element in iterate(_in_table(source.rows.c[role]))
        if isinstance(element, sa.ColumnClause)
    }
    if len(tables) != 1 or not isinstance(table := tables.pop(), sa.Table):
        raise ConfigurationError(
            "the columns that indexes would be on belong to no single table; index the tables that "
            "the source is made of by hand"
        )
    return table


def _in_table(expression: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """An expression over the columns of tables, whichever subqueries they come through."""

    def base(element: Any, **options: Any) -> sa.ColumnElement[Any] | None:
        if not isinstance(element, sa.ColumnClause) or element.base_columns == {element}:
            return None
        if len(element.base_columns) > 1:
            raise ConfigurationError(
                f"the column {element.name!r} comes from several selects; "
                "index the tables that the source is made of by hand"
            )
        [column] = element.base_columns
        return _in_table(column)

    found: sa.ColumnElement[Any] = replacement_traverse(expression, {}, base)
    return found


def _key(source: TaskSource, roles: tuple[str, ...]) -> dict[str, sa.ColumnElement[Any]]:
    """The parts of an index under their names: a column's own, and of an expression its role's."""
    parts = {role: _in_table(source.rows.c[role]) for role in roles}
    return {
        part.name if isinstance(part, sa.Column) else role: part
        for role, part in parts.items()
        if any(isinstance(element, sa.ColumnClause) for element in iterate(part))
    }


def _begins_with(
    key: Mapping[str, sa.ColumnElement[Any]], start: Mapping[str, sa.ColumnElement[Any]]
) -> bool:
    return list(start) == list(key)[: len(start)]


def _index(table: sa.Table, key: Mapping[str, sa.ColumnElement[Any]]) -> sa.Index:
    parts = [
        part.key if isinstance(part, sa.Column) else _expression(part).label(name)
        for name, part in key.items()
    ]
    lengths = key_lengths(part for part in key.values() if isinstance(part, sa.Column))
    return sa.Index(index_name(table.name, key), *parts, **lengths)


def _expression(part: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """An expression whose columns have no table, since one that has attaches the index to it."""

    def detached(element: Any, **options: Any) -> sa.ColumnElement[Any] | None:
        return sa.column(element.name, element.type) if isinstance(element, sa.Column) else None

    return Grouping(replacement_traverse(part, {}, detached))


def serving_indexes(
    connection: sa.Connection, source: TaskSource
) -> list[tuple[sa.Index, str | None]]:
    """Each recommended index, and the name of the one in the database that does what it would; None
    where it is missing.

    The indexes belong to a copy of the table, and so can be created.

    Raises `ConfigurationError` where the table is a view in the database.
    """
    table = task_table(source).to_metadata(sa.MetaData())
    if table.name in sa.inspect(connection).get_view_names(table.schema):
        raise ConfigurationError(
            f"{table} is a view, which has no indexes; index the tables that it reads by hand"
        )
    indexes = recommended_indexes(source)
    for index in indexes:
        table.append_constraint(index)
    existing = existing_indexes(connection, table)
    return [
        (index, next((found.name for found in existing if found.serves(index)), None))
        for index in indexes
    ]


def missing_indexes(connection: sa.Connection, source: TaskSource) -> list[sa.Index]:
    """The recommended indexes that the database has not, nor another that does the same."""
    return [index for index, found in serving_indexes(connection, source) if found is None]
