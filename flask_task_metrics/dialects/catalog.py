"""Which indexes a table has, from each database's own catalog: SQLAlchemy's reflection leaves out
some, and says of none whether it is in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from math import inf
from typing import Any, TypeAlias, cast

import sqlalchemy as sa

from .names import qualified

Columns: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True)
class ExistingIndex:
    """An index that a table has: the columns that it sorts by, None standing for what is not a
    column in its own order.

    It is whole where queries of all rows may use it: built to the end, in order, and not partial.
    The `starts` are the lengths of what it has of columns of which it has only the start.
    """

    name: str
    columns: Columns
    is_whole: bool
    starts: Mapping[str, int] = field(default_factory=dict)

    def serves(self, index: sa.Index) -> bool:
        """Whether it does what an index would: begins with the same columns in the same order.

        Of one with an expression the name must tell, since databases word expressions anew.
        """
        wanted = key_columns(index)
        is_same = self.columns[: len(wanted)] == wanted and self._is_as_long_as(index)
        return self.is_whole and is_same and (None not in wanted or self.name == index.name)

    def _is_as_long_as(self, index: sa.Index) -> bool:
        wanted = index.dialect_kwargs.get("mysql_length") or {}
        return all(
            length >= wanted.get(column, inf)
            for column, length in self.starts.items()
            if column in key_columns(index)
        )


def key_columns(index: sa.Index) -> Columns:
    """The columns of an index, None standing for an expression."""
    return tuple(part.name if isinstance(part, sa.Column) else None for part in key_parts(index))


def key_parts(index: sa.Index) -> list[sa.Column[Any] | sa.Label[Any]]:
    """What an index consists of: columns, and expressions under a name."""
    return cast("list[sa.Column[Any] | sa.Label[Any]]", list(index.expressions))


def existing_indexes(connection: sa.Connection, table: sa.Table) -> list[ExistingIndex]:
    """The indexes that a table has in the database."""
    return CATALOGS[connection.dialect.name](connection, table)


POSTGRESQL_INDEXES = sa.text("""
    SELECT index.relname AS name,
           i.indisvalid AND i.indpred IS NULL AND method.amname = 'btree' AS is_whole,
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
    name = qualified(connection, table.schema, table.name)
    return [
        ExistingIndex(row.name, tuple(row.columns), row.is_whole)
        for row in connection.execute(POSTGRESQL_INDEXES, {"table": name})
    ]


def _mysql_indexes(connection: sa.Connection, table: sa.Table) -> list[ExistingIndex]:
    name = qualified(connection, table.schema, table.name)
    options = {"no_parameters": True}
    rows = connection.exec_driver_sql(f"SHOW INDEX FROM {name}", execution_options=options)
    return _grouped(
        _Part(row["Key_name"], row["Column_name"], _is_in_use_by_mysql(row), row["Sub_part"])
        for row in rows.mappings()
    )


def _is_in_use_by_mysql(row: sa.RowMapping) -> bool:
    # An index can be set aside: MariaDB calls that ignored, MySQL invisible.
    is_set_aside = row.get("Ignored") == "YES" or row.get("Visible") == "NO"
    return row["Index_type"] == "BTREE" and not is_set_aside


SQLITE_INDEXES = sa.text("""
    SELECT list.name AS name, info.name AS "column", list.partial = 0 AS is_whole
      FROM pragma_index_list(:table, :schema) list, pragma_index_info(list.name, :schema) info
     ORDER BY list.name, info.seqno
""")


def _sqlite_indexes(connection: sa.Connection, table: sa.Table) -> list[ExistingIndex]:
    names = {"table": table.name, "schema": table.schema or "main"}
    rows = connection.execute(SQLITE_INDEXES, names)
    return _grouped(_Part(row.name, row.column, bool(row.is_whole)) for row in rows)


@dataclass(frozen=True)
class _Part:
    """A column of an index, or of a column so much of its `start`."""

    index: str
    column: str | None
    is_whole: bool
    start: int | None = None


def _grouped(rows: Iterable[_Part]) -> list[ExistingIndex]:
    """Indexes from a row for each of their columns."""
    groups = [list(parts) for _, parts in groupby(rows, lambda part: part.index)]
    return [
        ExistingIndex(
            parts[0].index,
            tuple(part.column for part in parts),
            parts[0].is_whole,
            {part.column: part.start for part in parts if part.column and part.start},
        )
        for parts in groups
    ]


CATALOGS: Mapping[str, Callable[[sa.Connection, sa.Table], list[ExistingIndex]]] = {
    "postgresql": _postgresql_indexes,
    "mysql": _mysql_indexes,
    "mariadb": _mysql_indexes,
    "sqlite": _sqlite_indexes,
}
