"""The advice for a source that no index can be recommended for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.sql.visitors import iterate

from flask_task_metrics.source import TaskSource, table_columns

from .declared import declared_indexes
from .keys import KEYS

Key: TypeAlias = tuple[sa.ColumnClause[Any], ...]


def to_index_by_hand(source: TaskSource) -> str:
    """Return which columns of a source's tables need an index that the metadata lacks:
    `index by hand: events (job_id), jobs (status, created_at)`.
    """
    links = ((column,) for column in _linking_columns(source.mapped.element))
    keys = dict.fromkeys((*_keys(source), *links))
    lacking = [key for key in keys if not _is_served(key, keys)]
    return f"index by hand: {', '.join(sorted(map(_as_text, lacking)))}"


def _keys(source: TaskSource) -> Iterator[Key]:
    """Yield the columns of each table that a recommended index would have, had it one table.

    Those of an expression over several are yielded apart.
    """
    for roles in KEYS:
        columns_of: dict[Any, dict[sa.ColumnClause[Any], None]] = {}
        for role in roles:
            match list(_columns_of_role(source, role)):
                case [column]:
                    columns_of.setdefault(column.table, {})[column] = None
                case columns:
                    yield from ((column,) for column in columns)
        yield from map(tuple, columns_of.values())


def _columns_of_role(source: TaskSource, role: str) -> Mapping[sa.ColumnClause[Any], None]:
    """Return the columns that a mapped column is made of, each once.

    Of an aggregate such as `max(case((kind == "started", at)))` the timestamp says enough.
    """
    columns = dict.fromkeys(table_columns(source.mapped.c[role]))
    timestamps = {column: None for column in columns if isinstance(column.type, sa.DateTime)}
    return columns if role == "status" else timestamps or columns


def _linking_columns(source: Any) -> Iterator[sa.ColumnClause[Any]]:
    """Yield the columns by which tables are joined and rows are selected."""
    elements = list(iterate(source))
    tables = {element.fullname for element in elements if isinstance(element, sa.Table)}
    for element in elements:
        if isinstance(element, sa.Select) and element.whereclause is not None:
            yield from table_columns(element.whereclause)
        elif isinstance(element, sa.BinaryExpression) and _compares_columns(element):
            yield from table_columns(element)
        elif isinstance(element, sa.Table):
            # A join without a condition goes by these.
            keys = sorted(element.foreign_keys, key=lambda key: key.target_fullname)
            yield from (key.parent for key in keys if _table_of(key) in tables)


def _compares_columns(comparison: sa.BinaryExpression[Any]) -> bool:
    return all(isinstance(side, sa.ColumnClause) for side in (comparison.left, comparison.right))


def _table_of(key: sa.ForeignKey) -> str:
    return key.target_fullname.rpartition(".")[0]


def _is_served(key: Key, keys: Iterable[Key]) -> bool:
    """Return whether a declared index begins with a key, or a longer key does."""
    names = tuple(column.name for column in key)
    declared = declared_indexes(key[0].table)
    return any(other != key and other[: len(key)] == key for other in keys) or any(
        index.is_usable and index.columns[: len(key)] == names for index in declared
    )


def _as_text(key: Key) -> str:
    return f"{key[0].table} ({', '.join(column.name for column in key)})"
