"""The indexes that a table has, read from the database's own catalog, and which recommended ones
they cover.

SQLAlchemy's reflection leaves some out, and doesn't say whether queries use an index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from math import inf
from typing import Any, TypeAlias, cast

import sqlalchemy as sa

from flask_task_metrics.dialects import PerDatabase
from flask_task_metrics.exceptions import TaskMetricsError

from .names import table_as_sql

Columns: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True)
class ExistingIndex:
    """An index in the database.

    `columns` has None for an expression, and for a column that isn't in its default order.
    `is_usable` is False for an unfinished, invisible or partial index. `prefix_lengths` has the
    columns of which only the first characters are indexed.
    """

    name: str
    columns: Columns
    is_usable: bool
    prefix_lengths: Mapping[str, int] = field(default_factory=dict)

    def covers(self, index: sa.Index) -> bool:
        """Return whether queries can use this index in place of another.

        It must begin with the same columns in the same order. An expression must have the same
        name, since databases reword expressions.
        """
        wanted = key_columns(index)
        begins_alike = self.columns[: len(wanted)] == wanted and self._is_long_enough(index)
        return self.is_usable and begins_alike and (None not in wanted or self.name == index.name)

    def _is_long_enough(self, index: sa.Index) -> bool:
        wanted = index.dialect_kwargs.get("mysql_length") or {}
        return all(
            length >= wanted.get(column, inf)
            for column, length in self.prefix_lengths.items()
            if column in key_columns(index)
        )


def key_columns(index: sa.Index) -> Columns:
    """Return the names of an index's columns, and None for an expression."""
    return tuple(part.name if isinstance(part, sa.Column) else None for part in key_parts(index))


def has_expression(index: sa.Index) -> bool:
    """Return whether one of the parts of an index is an expression."""
    return None in key_columns(index)


def key_parts(index: sa.Index) -> list[sa.Column[Any] | sa.Label[Any]]:
    """Return the columns and the labelled expressions of an index."""
    return cast("list[sa.Column[Any] | sa.Label[Any]]", list(index.expressions))


def indexed_table(index: sa.Index) -> sa.Table:
    """Return the table of an index that belongs to one."""
    return cast("sa.Table", index.table)


def name_taken(index: sa.Index) -> TaskMetricsError:
    """Return the error for an existing index that has the name of a missing one."""
    return TaskMetricsError(f"{index.table} has another index named {index.name}; rename that")


def existing_indexes(connection: sa.Connection, table: sa.Table) -> list[ExistingIndex]:
    """Return the indexes that a table has in the database."""
    return CATALOGS.of(connection.dialect)(connection, table)


POSTGRESQL_INDEXES = sa.text("""
    SELECT index.relname AS name,
           i.indisvalid AND i.indpred IS NULL AND method.amname = 'btree' AS is_usable,
           ARRAY(SELECT CAST(a.attname AS TEXT)
                   FROM unnest(i.indkey, i.indcollation, i.indclass) WITH ORDINALITY
                        AS key (attnum, collation_oid, opclass, number)
                   JOIN pg_opclass opclass ON opclass.oid = key.opclass
                   LEFT JOIN pg_attribute a
                     ON a.attrelid = i.indrelid AND a.attnum = key.attnum
                    AND a.attcollation = key.collation_oid AND opclass.opcdefault
                  WHERE key.number <= i.indnkeyatts
                  ORDER BY key.number) AS columns
      FROM pg_index i
      JOIN pg_class index ON index.oid = i.indexrelid
      JOIN pg_am method ON method.oid = index.relam
     WHERE i.indrelid = to_regclass(:table)
     ORDER BY name
""")


def _postgresql_indexes(connection: sa.Connection, table: sa.Table) -> list[ExistingIndex]:
    name = table_as_sql(connection.dialect, table)
    return [
        ExistingIndex(row.name, tuple(row.columns), row.is_usable)
        for row in connection.execute(POSTGRESQL_INDEXES, {"table": name})
    ]


def _mysql_indexes(connection: sa.Connection, table: sa.Table) -> list[ExistingIndex]:
    name = table_as_sql(connection.dialect, table)
    options = {"no_parameters": True}
    rows = connection.exec_driver_sql(f"SHOW INDEX FROM {name}", execution_options=options)
    return _grouped(
        _IndexColumn(row["Key_name"], row["Column_name"], _is_usable_by_mysql(row), row["Sub_part"])
        for row in rows.mappings()
    )


def _is_usable_by_mysql(row: sa.RowMapping) -> bool:
    # MariaDB calls an index that queries pass by ignored; MySQL calls it invisible.
    is_set_aside = row.get("Ignored") == "YES" or row.get("Visible") == "NO"
    return row["Index_type"] == "BTREE" and not is_set_aside


SQLITE_INDEXES = sa.text("""
    SELECT list.name AS name, info.name AS "column", list.partial = 0 AS is_usable
      FROM pragma_index_list(:table, :schema) list, pragma_index_info(list.name, :schema) info
     ORDER BY list.name, info.seqno
""")


def _sqlite_indexes(connection: sa.Connection, table: sa.Table) -> list[ExistingIndex]:
    names = {"table": table.name, "schema": table.schema or "main"}
    rows = connection.execute(SQLITE_INDEXES, names)
    return _grouped(_IndexColumn(row.name, row.column, bool(row.is_usable)) for row in rows)


@dataclass(frozen=True)
class _IndexColumn:
    """One column of an index, or only its first `prefix_length` characters."""

    index: str
    column: str | None
    is_usable: bool
    prefix_length: int | None = None


def _grouped(rows: Iterable[_IndexColumn]) -> list[ExistingIndex]:
    """Return the indexes that the rows of their columns make up."""
    groups = [list(parts) for _, parts in groupby(rows, lambda part: part.index)]
    return [
        ExistingIndex(
            parts[0].index,
            tuple(part.column for part in parts),
            parts[0].is_usable,
            {
                part.column: part.prefix_length
                for part in parts
                if part.column and part.prefix_length
            },
        )
        for parts in groups
    ]


Catalog: TypeAlias = Callable[[sa.Connection, sa.Table], list[ExistingIndex]]

CATALOGS: PerDatabase[Catalog] = PerDatabase(
    sqlite=_sqlite_indexes, postgresql=_postgresql_indexes, mysql=_mysql_indexes
)
