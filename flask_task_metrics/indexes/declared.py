"""The indexes that the models declare."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from .catalog import ExistingIndex, key_columns

NARROWING_OPTIONS = ("where", "using", "ops", "prefix")
"""The options with which a database may not use an index for any query: `postgresql_where`."""


def declared_indexes(table: sa.FromClause | None) -> list[ExistingIndex]:
    """Return the indexes that a table has in its metadata, those of its keys included."""
    if not isinstance(table, sa.Table):
        return []
    keys = [
        _key(constraint)
        for constraint in table.constraints
        if isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint)
    ]
    return sorted([*keys, *map(_declared, table.indexes)], key=lambda index: index.name)


def _key(constraint: sa.PrimaryKeyConstraint | sa.UniqueConstraint) -> ExistingIndex:
    columns = tuple(column.name for column in constraint.columns)
    name = constraint.name or f"the key ({', '.join(columns)})"
    return ExistingIndex(str(name), columns, is_usable=True)


def _declared(index: sa.Index) -> ExistingIndex:
    is_narrow = any(
        option.partition("_")[2] in NARROWING_OPTIONS and value != "btree"
        for option, value in index.dialect_kwargs.items()
    )
    return ExistingIndex(
        str(index.name), key_columns(index), not is_narrow, dict(_prefix_lengths(index))
    )


def _prefix_lengths(index: sa.Index) -> Mapping[str, int]:
    lengths = index.dialect_kwargs.get("mysql_length") or {}
    if isinstance(lengths, Mapping):
        return lengths
    return {column: lengths for column in key_columns(index) if column}
