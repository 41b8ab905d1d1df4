"""The statements by which each database builds an index, so that writers go on meanwhile where it
can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex

from .building import Step
from .catalog import key_columns
from .concurrently import postgresql_steps
from .names import as_sent

MYSQL_LONGEST_KEY_PART = 255
MYSQL_KEY_PART = 64


def key_lengths(columns: Iterable[sa.Column[Any]]) -> dict[str, Any]:
    """The options of an index with which MySQL and MariaDB read only the start of long texts, since
    they index no others.
    """
    lengths = {column.name: MYSQL_KEY_PART for column in columns if _is_long_text(column.type)}
    return {"mysql_length": lengths, "mariadb_length": lengths} if lengths else {}


def _is_long_text(column_type: sa.types.TypeEngine[Any]) -> bool:
    stored = column_type.dialect_impl(mysql.dialect())
    if isinstance(stored, sa.TypeDecorator):
        stored = stored.impl_instance
    length = getattr(stored, "length", None)
    is_text = isinstance(stored, sa.String | sa.LargeBinary)
    return is_text and not 0 < (length or 0) <= MYSQL_LONGEST_KEY_PART


def steps_to_build(connection: sa.Connection, index: sa.Index) -> list[Step]:
    """What is left to do until a table has an index that it lacks."""
    return BUILDERS[connection.dialect.name](connection, index)


def obstacle(engine: sa.Engine, index: sa.Index) -> str | None:
    """Why a database that was connected to can't have an index; None where it can."""
    if getattr(engine.dialect, "is_mariadb", False) and None in key_columns(index):
        return (
            "MariaDB has no index on an expression; "
            "give the table a generated column with it, and map that"
        )
    return None


def _mysql(connection: sa.Connection, index: sa.Index) -> list[Step]:
    create = f"{created(connection, index)} ALGORITHM=INPLACE LOCK=NONE"
    return [Step(create, mysql_settings(is_mariadb=cast(Any, connection.dialect).is_mariadb))]


def mysql_settings(*, is_mariadb: bool) -> tuple[str, ...]:
    """The settings that have MySQL or MariaDB build an index, however long that takes."""
    # Who waits for the lock on a table's definition has all others wait behind it.
    brief = "SET SESSION lock_wait_timeout = 5"
    return (brief, "SET SESSION max_statement_time = 0") if is_mariadb else (brief,)


def _sqlite(connection: sa.Connection, index: sa.Index) -> list[Step]:
    return [Step(created(connection, index))]


def created(connection: sa.Connection, index: sa.Index) -> str:
    """The statement that creates an index."""
    return as_sent(connection.dialect, str(CreateIndex(index).compile(connection)))


BUILDERS: Mapping[str, Callable[[sa.Connection, sa.Index], list[Step]]] = {
    "postgresql": postgresql_steps,
    "mysql": _mysql,
    "mariadb": _mysql,
    "sqlite": _sqlite,
}


def effect_on_writers(engine: sa.Engine) -> str:
    """What becomes of those who write to a table while it gets an index."""
    return EFFECTS[engine.dialect.name]


EFFECTS: Mapping[str, str] = {
    "postgresql": "Writers go on meanwhile; the index waits for transactions older than itself.",
    "mysql": "Writers go on meanwhile.",
    "mariadb": "Writers go on meanwhile.",
    "sqlite": "Writers wait meanwhile: SQLite lets none write while it builds an index.",
}
