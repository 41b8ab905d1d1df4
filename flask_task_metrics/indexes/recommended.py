"""The indexes that let a snapshot read its window and no more of the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import conv
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from flask_task_metrics.exceptions import ConfigurationError
from flask_task_metrics.source import TaskSource

from .declared import declared_indexes
from .keys import KEYS
from .names import definition_digest, index_name
from .obstacles import can_be_built
from .origins import part_of, task_table

NAME_TELLS_DEFINITION = "name_tells_definition"
"""In an index's `info`: no other definition has its name."""

MYSQL_LONGEST_KEY_PART = 255
MYSQL_PREFIX_LENGTH = 64


def recommended_indexes(source: TaskSource, *dimensions: str) -> list[sa.Index]:
    """Return the fewest indexes that let every figure read only its window, without those that the
    metadata has already.

    The columns of `dimensions` end each index, so that queries that filter or group by them read
    the index alone. For example `recommended_indexes(source, "engine")`.

    They belong to no table yet: `add_recommended_indexes` adds them to theirs. Call this after all
    models are defined. A column that is mapped to a SQL expression gets an index on that
    expression, with a digest of its SQL in the name. Timestamps that the source does not record
    get none.

    Raises `ConfigurationError` if the mapped columns come from no table or from several, or from an
    aggregate, and if another index of the table has the name of a lacking one; and
    `InvalidFilterError` for a dimension that the source does not declare.
    """
    declared = declared_indexes(task_table(source, dimensions))
    pairs = zip(
        serving_indexes(source, dimensions), attached_indexes(source, dimensions), strict=True
    )
    lacking = [
        index for index, attached in pairs if not any(other.covers(attached) for other in declared)
    ]
    names = {other.name for other in declared}
    if taken := next((index.name for index in lacking if index.name in names), None):
        raise ConfigurationError(
            f"{task_table(source)} has another index named {taken}; rename that"
        )
    return lacking


def add_recommended_indexes(source: TaskSource, *dimensions: str) -> None:
    """Add the recommended indexes that a source's table lacks to its metadata.

    Call this after all models are defined. A second call adds nothing. It raises the errors of
    `recommended_indexes`.
    """
    for index in recommended_indexes(source, *dimensions):
        task_table(source).append_constraint(index)


def attached_indexes(source: TaskSource, dimensions: Sequence[str] = ()) -> list[sa.Index]:
    """Return all recommended indexes, on a copy of their table."""
    table = task_table(source, dimensions).to_metadata(sa.MetaData())
    indexes = serving_indexes(source, dimensions)
    for index in indexes:
        table.append_constraint(index)
    return indexes


def serving_indexes(source: TaskSource, dimensions: Sequence[str] = ()) -> list[sa.Index]:
    """Return all recommended indexes, those included that the metadata has already."""
    table = task_table(source, dimensions)
    keys = [key for roles in KEYS if (key := _key(source, roles))]
    trailing = _parts(source, [source.dimension(name).role for name in dimensions])
    return [
        _index(table, key | trailing)
        for number, key in enumerate(keys)
        if not any(_begins_with(other, key) for other in keys[number + 1 :])
    ]


def _key(source: TaskSource, roles: tuple[str, ...]) -> dict[str, sa.ColumnElement[Any]]:
    """Return the parts of an index by name; none if it would serve only what is not recorded."""
    indexed = [role for role in roles if not _is_constant(part_of(source, role))]
    window, *others = [role for role in roles if role != "status"]
    if window not in indexed or (others and set(indexed).isdisjoint(others)):
        return {}
    return _parts(source, indexed)


def _parts(source: TaskSource, roles: Iterable[str]) -> dict[str, sa.ColumnElement[Any]]:
    """Return the mapped columns of roles by name: a column's own, or an expression's role and
    digest.
    """
    parts = {role: part_of(source, role) for role in roles}
    return {
        part.name if isinstance(part, sa.Column) else f"{role}_{definition_digest(part)}": part
        for role, part in parts.items()
        if not _is_constant(part)
    }


def _is_constant(part: sa.ColumnElement[Any]) -> bool:
    return not any(isinstance(element, sa.ColumnClause) for element in iterate(part))


def _begins_with(
    key: Mapping[str, sa.ColumnElement[Any]], start: Mapping[str, sa.ColumnElement[Any]]
) -> bool:
    return list(start) == list(key)[: len(start)]


def _index(table: sa.Table, key: Mapping[str, sa.ColumnElement[Any]]) -> sa.Index:
    parts = [
        part.key if isinstance(part, sa.Column) else _expression(part).label(name)
        for name, part in key.items()
    ]
    lengths = _prefix_lengths(part for part in key.values() if isinstance(part, sa.Column))
    # The naming convention of a host's metadata leaves a `conv` as it is.
    name = conv(index_name(table.name, key))
    index = sa.Index(name, *parts, info={NAME_TELLS_DEFINITION: True}, **lengths)
    return index.ddl_if(callable_=can_be_built)


def _expression(part: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return an expression without its table, since a table's column attaches the index to it."""

    def detached(element: Any, **options: Any) -> sa.ColumnElement[Any] | None:
        return sa.column(element.name, element.type) if isinstance(element, sa.Column) else None

    return Grouping(replacement_traverse(part, {}, detached))


def _prefix_lengths(columns: Iterable[sa.Column[Any]]) -> dict[str, Any]:
    """Return the index options for long texts, of which MySQL and MariaDB index only a prefix."""
    lengths = {column.name: MYSQL_PREFIX_LENGTH for column in columns if _is_long_text(column.type)}
    return {"mysql_length": lengths, "mariadb_length": lengths} if lengths else {}


def _is_long_text(column_type: sa.types.TypeEngine[Any]) -> bool:
    stored = column_type.dialect_impl(mysql.dialect())
    if isinstance(stored, sa.TypeDecorator):
        stored = stored.impl_instance
    length = getattr(stored, "length", None)
    is_text = isinstance(stored, sa.String | sa.LargeBinary)
    return is_text and not 0 < (length or 0) <= MYSQL_LONGEST_KEY_PART
