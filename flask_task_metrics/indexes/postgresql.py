"""PostgreSQL's statements that build indexes concurrently, on partitioned tables too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.exceptions import TaskMetricsError

from .catalog import indexed_table, key_parts, name_taken
from .names import as_sql, index_name, qualified, table_as_sql

NO_STATEMENT_TIMEOUT = "SET statement_timeout = 0"
# A concurrent build waits for older transactions, but blocks nobody meanwhile.
NO_LOCK_TIMEOUT = "SET lock_timeout = 0"
# Declaring and attaching lock the table: all writers queue behind a session that waits for that.
SHORT_LOCK_TIMEOUT = "SET lock_timeout = '5s'"

PARTITIONS = sa.text("""
    SELECT schema.nspname AS schema, class.relname AS name, class.relkind = 'p' AS is_parent,
           parent_schema.nspname AS parent_schema, parent.relname AS parent,
           EXISTS (SELECT FROM pg_partition_tree(to_regclass(:index)) part
                     JOIN pg_index i ON i.indexrelid = part.relid
                    WHERE i.indrelid = class.oid) AS has_index
      FROM pg_class class
      LEFT JOIN pg_partition_tree(to_regclass(:table)) tree ON tree.relid = class.oid
      LEFT JOIN pg_namespace schema ON schema.oid = class.relnamespace AND tree.relid IS NOT NULL
      LEFT JOIN pg_class parent ON parent.oid = tree.parentrelid AND tree.level > 0
      LEFT JOIN pg_namespace parent_schema ON parent_schema.oid = parent.relnamespace
     WHERE (class.oid = to_regclass(:table) OR tree.relid IS NOT NULL) AND class.relkind <> 'f'
     ORDER BY tree.level, class.relname
""")
"""A table and its partitions, parents first, and whether each has its part of an index.

A table without partitions has no schema here: it goes by the name in the mapping. Foreign tables
are left out, since they can't have an index.
"""

BUILDING_PROCESS = sa.text("""
    SELECT min(pid) FROM pg_stat_progress_create_index JOIN pg_locks lock USING (pid)
     WHERE datname = current_database() AND lock.mode IN ('ShareLock', 'ShareUpdateExclusiveLock')
       AND (lock.relation = to_regclass(:table)
            OR lock.relation IN (SELECT relid FROM pg_partition_tree(to_regclass(:table))))
""")
"""The process that is building an index of a table or of one of its partitions.

PostgreSQL hides the table of another role's build, but not its locks.
"""

NAMESAKE = sa.text("""
    SELECT indisvalid AS is_valid, indrelid = to_regclass(:table) AS is_of_table,
           CAST(CAST(indrelid AS regclass) AS TEXT) AS its_table
      FROM pg_index WHERE indexrelid = to_regclass(:index)
""")
"""The existing index of a name, if any: whether its build finished, and its table."""


def postgresql_statements(connection: sa.Connection, indexes: Sequence[sa.Index]) -> list[str]:
    """Return the statements that are left to do until PostgreSQL has indexes of a table.

    Raises `TaskMetricsError` if another index has the name of one of them, and if another process
    is building an index of the table: two concurrent builds wait for each other.
    """
    parts = [part for index in indexes for part in _parts(connection, index)]
    return [
        NO_STATEMENT_TIMEOUT,
        *_under(SHORT_LOCK_TIMEOUT, [statement for part in parts for statement in part.declare()]),
        *_under(NO_LOCK_TIMEOUT, [statement for part in parts for statement in part.build()]),
        *_under(SHORT_LOCK_TIMEOUT, [statement for part in parts for statement in part.attach()]),
    ]


def _under(setting: str, statements: Sequence[str]) -> list[str]:
    return [setting, *statements] if statements else []


def is_partitioned(connection: sa.Connection, table: sa.Table) -> bool:
    """Return whether a table in the database has partitions."""
    kind = sa.text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(:table)")
    return bool(connection.scalar(kind, {"table": table_as_sql(connection.dialect, table)}))


def parts_as_sql(dialect: sa.Dialect, index: sa.Index) -> list[str]:
    """Return the columns and expressions of an index as SQL."""
    return [as_sql(dialect, part) for part in key_parts(index)]


@dataclass(frozen=True)
class _PartitionIndex:
    """The index of a table or of one of its partitions, with all names as SQL.

    `is_valid` is None if the database has no such index, and False if its build did not finish.
    `parent_index` is the index of the partition's parent, None for the table itself.
    """

    name: str
    qualified_name: str
    key: str
    is_of_parent: bool
    is_valid: bool | None
    parent_index: str | None

    def declare(self) -> list[str]:
        """Return the statement for a table without rows of its own."""
        is_needed = self.is_of_parent and self.is_valid is None
        return [f"CREATE INDEX {self.name} ON ONLY {self.key}"] if is_needed else []

    def build(self) -> list[str]:
        """Return the statements for a table with rows; an unfinished index is dropped first."""
        if self.is_of_parent or self.is_valid:
            return []
        drop = [f"DROP INDEX CONCURRENTLY {self.qualified_name}"]
        create = f"CREATE INDEX CONCURRENTLY {self.name} ON {self.key}"
        return [*(drop if self.is_valid is False else []), create]

    def attach(self) -> list[str]:
        """Return the statement that makes a partition's index part of its parent's."""
        if self.parent_index is None:
            return []
        return [f"ALTER INDEX {self.parent_index} ATTACH PARTITION {self.qualified_name}"]


def _parts(connection: sa.Connection, index: sa.Index) -> list[_PartitionIndex]:
    """Return what the database lacks of an index, parents first."""
    table = indexed_table(index)
    names = {
        "table": table_as_sql(connection.dialect, table),
        "index": qualified(connection.dialect, table.schema, index.name),
    }
    if builder := connection.scalar(BUILDING_PROCESS, names):
        raise TaskMetricsError(
            f"process {builder} is building an index of {table.name}; wait until it is done"
        )
    if _is_valid(connection, **names):
        raise name_taken(index)
    rows = connection.execute(PARTITIONS, names).all()
    return [_part(connection, index, row) for row in rows if not row.has_index]


def _part(connection: sa.Connection, index: sa.Index, row: Any) -> _PartitionIndex:
    schema = row.schema or indexed_table(index).schema
    table = qualified(connection.dialect, schema, row.name)
    name = _part_name(index, row.name)
    qualified_name = qualified(connection.dialect, schema, name)
    parent_index = row.parent and _part_name(index, row.parent)
    return _PartitionIndex(
        name=qualified(connection.dialect, name),
        qualified_name=qualified_name,
        key=f"{table} ({', '.join(parts_as_sql(connection.dialect, index))})",
        is_of_parent=row.is_parent,
        is_valid=_is_valid(connection, index=qualified_name, table=table),
        parent_index=parent_index
        and qualified(connection.dialect, row.parent_schema, parent_index),
    )


def _part_name(index: sa.Index, table: str) -> str:
    return index_name(table, [part.name for part in key_parts(index)])


def _is_valid(connection: sa.Connection, *, index: str, table: str) -> bool | None:
    """Return whether the build of a table's index finished; None if there is no such index.

    Raises `TaskMetricsError` if another table has an index of that name.
    """
    found = connection.execute(NAMESAKE, {"index": index, "table": table}).one_or_none()
    if found is None:
        return None
    if not found.is_of_table:
        raise TaskMetricsError(
            f"{index} can't be an index of {table}, since it is one of {found.its_table}; "
            "rename that"
        )
    return bool(found.is_valid)
