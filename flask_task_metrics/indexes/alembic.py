"""An Alembic migration that adds indexes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import sqlalchemy as sa

from flask_task_metrics.dialects import PerDatabase

from .catalog import indexed_table, key_parts
from .ddl import create_online, drop_online, mysql_settings, statements_to_build
from .postgresql import (
    NO_LOCK_TIMEOUT,
    NO_STATEMENT_TIMEOUT,
    SHORT_LOCK_TIMEOUT,
    is_partitioned,
    parts_as_sql,
)


@dataclass(frozen=True)
class _Operations:
    """The lines of `upgrade` and of `downgrade`."""

    upgrade: list[str]
    downgrade: list[str]


def migration(connection: sa.Connection, indexes: Sequence[sa.Index]) -> str:
    """Return the functions `upgrade` and `downgrade` of a migration that adds indexes of a table.

    They need Alembic 1.12 or later, and the imports of `op` and `sa` that every generated migration
    has. You can run a failed `upgrade` again, except on MySQL and for a partitioned table: print
    it again there.

    Raises `TaskMetricsError` in the same cases as `statements_to_build`.
    """
    statements = statements_to_build(connection, indexes)
    operations = OPERATIONS.of(connection.dialect)(connection, indexes, statements)
    functions = {"upgrade": operations.upgrade, "downgrade": operations.downgrade}
    return "\n\n\n".join(
        "\n".join(_block(f"def {name}() -> None:", lines)) for name, lines in functions.items()
    )


def _postgresql(
    connection: sa.Connection, indexes: Sequence[sa.Index], statements: Sequence[str]
) -> _Operations:
    if is_partitioned(connection, indexed_table(indexes[0])):
        operations = _of_partitions(indexes, statements)
    else:
        operations = _concurrent(connection, indexes)
    # CONCURRENTLY can't run in a transaction.
    autocommit = "with op.get_context().autocommit_block():"
    return _Operations(
        _block(autocommit, operations.upgrade), _block(autocommit, operations.downgrade)
    )


def _of_partitions(indexes: Sequence[sa.Index], statements: Sequence[str]) -> _Operations:
    note = "# For the partitions that the table had when this was printed."
    settings = (NO_STATEMENT_TIMEOUT, SHORT_LOCK_TIMEOUT)
    drops = [line for index in indexes for line in _drop(index, "if_exists=True")]
    return _Operations([note, *_executes(statements), *_resets(settings)], _within(settings, drops))


def _concurrent(connection: sa.Connection, indexes: Sequence[sa.Index]) -> _Operations:
    concurrently = "postgresql_concurrently=True"
    upgrade = ["# A failed CREATE INDEX CONCURRENTLY leaves an invalid index."]
    downgrade = []
    for index in indexes:
        drop = _drop(index, "if_exists=True", concurrently)
        upgrade += [*drop, *_create(connection.dialect, index, concurrently)]
        downgrade += drop
    settings = (NO_STATEMENT_TIMEOUT, NO_LOCK_TIMEOUT)
    return _Operations(_within(settings, upgrade), _within(settings, downgrade))


def _mysql(
    connection: sa.Connection, indexes: Sequence[sa.Index], statements: Sequence[str]
) -> _Operations:
    dialect = connection.dialect
    creates = [create_online(dialect, index, is_repeatable=True) for index in indexes]
    drops = [drop_online(dialect, index) for index in indexes]
    settings = mysql_settings(dialect)
    return _Operations(_within(settings, _executes(creates)), _within(settings, _executes(drops)))


def _sqlite(
    connection: sa.Connection, indexes: Sequence[sa.Index], statements: Sequence[str]
) -> _Operations:
    return _Operations(
        [
            line
            for index in indexes
            for line in _create(connection.dialect, index, "if_not_exists=True")
        ],
        [line for index in indexes for line in _drop(index, "if_exists=True")],
    )


Writer: TypeAlias = Callable[[sa.Connection, Sequence[sa.Index], Sequence[str]], _Operations]

OPERATIONS: PerDatabase[Writer] = PerDatabase(sqlite=_sqlite, postgresql=_postgresql, mysql=_mysql)


def _within(settings: Iterable[str], lines: Iterable[str]) -> list[str]:
    """Return lines between those that set and reset session settings."""
    return [*_executes(settings), *lines, *_resets(settings)]


def _resets(settings: Iterable[str]) -> list[str]:
    return _executes(f"{setting.partition(' = ')[0]} = DEFAULT" for setting in settings)


def _executes(statements: Iterable[str]) -> list[str]:
    return [f"op.execute({_sql_literal(statement)})" for statement in statements]


def _create(dialect: sa.Dialect, index: sa.Index, *options: str) -> list[str]:
    parts = zip(key_parts(index), parts_as_sql(dialect, index), strict=True)
    key = ", ".join(
        _literal(part.name) if isinstance(part, sa.Column) else f"sa.text({_sql_literal(sql)})"
        for part, sql in parts
    )
    table = indexed_table(index)
    arguments = _literal(table.name), f"[{key}]", *_schema(table), *options
    return _call("op.create_index", _literal(index.name), *arguments)


def _drop(index: sa.Index, *options: str) -> list[str]:
    table = indexed_table(index)
    arguments = f"table_name={_literal(table.name)}", *_schema(table), *options
    return _call("op.drop_index", _literal(index.name), *arguments)


def _schema(table: sa.Table) -> list[str]:
    return [f"schema={_literal(table.schema)}"] if table.schema else []


def _call(function: str, *arguments: str) -> list[str]:
    return [f"{function}(", *(f"    {argument}," for argument in arguments), ")"]


def _block(head: str, lines: Iterable[str]) -> list[str]:
    return [head, *(f"    {line}" for line in lines)]


def _sql_literal(sql: str) -> str:
    """Return SQL as a Python literal for `sa.text`, to which a colon begins a parameter."""
    return _literal(sql.replace(":", r"\:"))


def _literal(text: str | None) -> str:
    # A JSON string is a Python string too, in double quotes.
    return json.dumps(text, ensure_ascii=False)
