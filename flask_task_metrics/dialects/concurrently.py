"""How PostgreSQL builds an index while writers go on, for a partitioned table too."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from flask_task_metrics.exceptions import TaskMetricsError

from .building import Step
from .catalog import key_parts
from .names import as_sent, index_name, qualified

# What builds concurrently waits for older transactions, and stops nobody meanwhile.
PATIENT = ("SET statement_timeout = 0", "SET lock_timeout = 0")
# What locks a table, though for a moment only, must not wait for long with all writers behind it.
BRIEF = ("SET statement_timeout = 0", "SET lock_timeout = '5s'")

PARTITIONS = sa.text("""
    SELECT schema.nspname AS schema, class.relname AS name, class.relkind = 'p' AS is_parent,
           parent_schema.nspname AS parent_schema, parent.relname AS parent,
           EXISTS (SELECT FROM pg_partition_tree(to_regclass(:index)) part
                     JOIN pg_index i ON i.indexrelid = part.relid
                    WHERE i.indrelid = tree.relid) AS has_index
      FROM pg_partition_tree(to_regclass(:table)) tree
      JOIN pg_class class ON class.oid = tree.relid AND class.relkind <> 'f'
      JOIN pg_namespace schema ON schema.oid = class.relnamespace
      LEFT JOIN pg_class parent ON parent.oid = tree.parentrelid AND tree.level > 0
      LEFT JOIN pg_namespace parent_schema ON parent_schema.oid = parent.relnamespace
     ORDER BY tree.level, class.relname
""")
"""A partitioned table and all that it consists of, each after its parent, and whether it has its
part of an index; no row for any other table. Foreign tables can have no index, and are left out.
"""

BUILDER = sa.text("""
    SELECT min(pid) FROM pg_stat_progress_create_index JOIN pg_locks lock USING (pid)
     WHERE datname = current_database() AND lock.mode IN ('ShareLock', 'ShareUpdateExclusiveLock')
       AND (lock.relation = to_regclass(:table)
            OR lock.relation IN (SELECT relid FROM pg_partition_tree(to_regclass(:table))))
""")
"""The process that is building an index of a table or of one of its partitions. Which table another
role's process is at, only its locks tell everybody.
"""

NAMESAKE = sa.text("""
    SELECT indisvalid AS is_valid, indrelid = to_regclass(:table) AS is_of_table,
           CAST(CAST(indrelid AS regclass) AS TEXT) AS its_table
      FROM pg_index WHERE indexrelid = to_regclass(:index)
""")
"""What already has the name of an index: whether it is built to its end, and of which table it is;
no row where the name is free.
"""


def postgresql_steps(connection: sa.Connection, index: sa.Index) -> list[Step]:
    """What is left to do until PostgreSQL has an index.

    Raises `TaskMetricsError` where another table has an index of that name, and while another
    process builds one, since of two such at the same time each would wait for the other.
    """
    table: Any = index.table
    names = {
        "table": qualified(connection, table.schema, table.name),
        "index": qualified(connection, table.schema, index.name),
    }
    if builder := connection.scalar(BUILDER, names):
        raise TaskMetricsError(
            f"process {builder} is building an index of {table.name}; wait until it is done"
        )
    partitions = connection.execute(PARTITIONS, names).all()
    if not partitions:
        return _Part(connection, index, table.schema, table.name).built()
    return [
        step
        for partition in partitions
        if not partition.has_index
        for step in _partition_steps(connection, index, partition)
    ]


def _partition_steps(connection: sa.Connection, index: sa.Index, partition: Any) -> list[Step]:
    part = _Part(connection, index, partition.schema, partition.name)
    steps = part.declared() if partition.is_parent else part.built_once()
    if partition.parent is None:
        return steps
    whole = _Part(connection, index, partition.parent_schema, partition.parent)
    attach = f"ALTER INDEX {whole.index_name} ATTACH PARTITION {part.index_name}"
    return [*steps, Step(attach, BRIEF)]


class _Part:
    """An index that a table or a partition is to have."""

    def __init__(
        self, connection: sa.Connection, index: sa.Index, schema: str | None, table: str
    ) -> None:
        name = index_name(table, [part.name for part in key_parts(index)])
        table_name = qualified(connection, schema, table)
        self.index_name = qualified(connection, schema, name)
        self._name = qualified(connection, name)
        self._on = f"{table_name} ({_key(connection, index)})"
        self._is_valid = _is_valid(connection, self.index_name, table_name)

    def declared(self) -> list[Step]:
        """How a table without rows of its own gets it; it is in use when it has all its parts."""
        create = f"CREATE INDEX {self._name} ON ONLY {self._on}"
        return [Step(create, BRIEF)] if self._is_valid is None else []

    def built(self) -> list[Step]:
        """How a table with rows gets it; what an interrupted attempt has left goes first."""
        drop = [Step(f"DROP INDEX CONCURRENTLY {self.index_name}", PATIENT)]
        create = Step(f"CREATE INDEX CONCURRENTLY {self._name} ON {self._on}", PATIENT)
        return [*(drop if self._is_valid is False else []), create]

    def built_once(self) -> list[Step]:
        """How a partition gets it, which may have it from an attempt before."""
        return [] if self._is_valid else self.built()


def _key(connection: sa.Connection, index: sa.Index) -> str:
    options = {"include_table": False, "literal_binds": True}
    parts = (part.compile(connection, compile_kwargs=options) for part in key_parts(index))
    return as_sent(connection.dialect, ", ".join(map(str, parts)))


def _is_valid(connection: sa.Connection, name: str, table: str) -> bool | None:
    """Whether an index of a table was built to its end; None where there is none."""
    found = connection.execute(NAMESAKE, {"index": name, "table": table}).one_or_none()
    if found is None:
        return None
    if not found.is_of_table:
        raise TaskMetricsError(
            f"{name} can't be an index of {table}, since it is one of {found.its_table}; "
            "rename that"
        )
    return bool(found.is_valid)
