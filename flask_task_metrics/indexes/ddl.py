"""The statements that build and drop indexes, with writers going on if the database allows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex

from flask_task_metrics.dialects import PerDatabase, family_of, is_mariadb

from .catalog import existing_indexes, has_expression, indexed_table, name_taken
from .names import as_sql, qualified, table_as_sql
from .postgresql import postgresql_statements


def statements_to_build(connection: sa.Connection, indexes: Sequence[sa.Index]) -> list[str]:
    """Return the statements that build indexes of a table, settings of the session included.

    Raises `TaskMetricsError` if another index has the name of one of them, and if another process
    is building an index of the table.
    """
    return BUILDERS.of(connection.dialect)(connection, indexes)


def _mysql(connection: sa.Connection, indexes: Sequence[sa.Index]) -> list[str]:
    _refuse_namesakes(connection, indexes)
    creates = [create_online(connection.dialect, index) for index in indexes]
    return [*mysql_settings(connection.dialect), *creates]


def mysql_settings(dialect: sa.Dialect) -> list[str]:
    """Return the settings with which MySQL or MariaDB builds an index, however long it takes."""
    # All others queue behind a session that waits for the metadata lock.
    brief = "SET SESSION lock_wait_timeout = 5"
    return [brief, "SET SESSION max_statement_time = 0"] if is_mariadb(dialect) else [brief]


def create_online(dialect: sa.Dialect, index: sa.Index, *, is_repeatable: bool = False) -> str:
    """Return the statement that builds an index on MySQL or MariaDB.

    MariaDB passes by an existing index if the statement is to be repeatable; MySQL can't.
    """
    create = CreateIndex(index, if_not_exists=is_repeatable and is_mariadb(dialect))
    # MySQL adds a hidden column for an expression, and can't do this while writers go on.
    online = "" if has_expression(index) else " ALGORITHM=INPLACE LOCK=NONE"
    return f"{as_sql(dialect, create)}{online}"


def drop_online(dialect: sa.Dialect, index: sa.Index) -> str:
    """Return the statement that drops an index on MySQL or MariaDB."""
    table = table_as_sql(dialect, indexed_table(index))
    if_exists = "IF EXISTS " if is_mariadb(dialect) else ""
    drop = f"DROP INDEX {if_exists}{qualified(dialect, index.name)}"
    # MariaDB's DROP INDEX takes no ALGORITHM.
    return f"ALTER TABLE {table} {drop}, ALGORITHM=INPLACE, LOCK=NONE"


def _sqlite(connection: sa.Connection, indexes: Sequence[sa.Index]) -> list[str]:
    _refuse_namesakes(connection, indexes)
    return [as_sql(connection.dialect, CreateIndex(index)) for index in indexes]


def _refuse_namesakes(connection: sa.Connection, indexes: Sequence[sa.Index]) -> None:
    for index in indexes:
        existing = existing_indexes(connection, indexed_table(index))
        if any(index.name == other.name for other in existing):
            raise name_taken(index)


Builder: TypeAlias = Callable[[sa.Connection, Sequence[sa.Index]], list[str]]

BUILDERS: PerDatabase[Builder] = PerDatabase(
    sqlite=_sqlite, postgresql=postgresql_statements, mysql=_mysql
)


def effect_on_writers(dialect: sa.Dialect, indexes: Sequence[sa.Index]) -> str:
    """Return what happens to writers of a table during the build of its indexes."""
    if family_of(dialect) == "mysql" and any(has_expression(index) for index in indexes):
        return "Writers wait while MySQL builds an index on an expression."
    return EFFECTS.of(dialect)


EFFECTS = PerDatabase(
    sqlite="Writers wait until SQLite has built the indexes.",
    postgresql="Writers go on; a build waits for the transactions that began before it.",
    mysql="Writers go on; they wait only for a moment when a build starts and ends.",
)
