"""The reasons for which a database refuses an index on an expression, and what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn, CreateIndex

from flask_task_metrics.dialects import PerDatabase, is_mariadb

from .catalog import has_expression, indexed_table, key_parts
from .names import as_sql, table_as_sql

MYSQL_LONG_TYPES = (245, 249, 250, 251, 252)
"""The protocol's codes of JSON, and of TEXT and BLOB in their lengths."""

NO_PARAMETERS = {"no_parameters": True}


def obstacle(connection: sa.Connection, index: sa.Index) -> str | None:
    """Return why the database can't build an index, and what to do; None if it can.

    The database is asked, but nothing is written.
    """
    if not has_expression(index):
        return None
    return OBSTACLES.of(connection.dialect)(connection, index)


def can_be_built(
    ddl: Any, target: Any, bind: sa.Connection | None, *settings: Any, **options: Any
) -> bool:
    """Return whether `create_all` may build an index, as `Index.ddl_if` asks."""
    return bind is None or obstacle(bind, target) is None


CONTRADICTION = """
    EXPLAIN (FORMAT JSON)
     SELECT FROM (SELECT {part} AS part FROM {table} UNION ALL SELECT {part} FROM {table}) twice
      WHERE part IS NULL AND part IS NOT NULL
"""
"""The planner sees through a contradiction if both sides are immutable.

By default it looks for contradictions only in the parts of a UNION.
"""


def _postgresql(connection: sa.Connection, index: sa.Index) -> str | None:
    if connection.scalar(sa.text("SHOW constraint_exclusion")) == "off":
        return None
    mutable = [part for part in _expressions(index) if not _is_immutable(connection, index, part)]
    if not mutable:
        return None
    parts = " and ".join(as_sql(connection.dialect, part) for part in mutable)
    return (
        f"PostgreSQL can't index {parts}, since that isn't immutable; map the column itself, "
        "not its text or its cast to another timestamp"
    )


def _is_immutable(connection: sa.Connection, index: sa.Index, part: sa.Label[Any]) -> bool:
    dialect = connection.dialect
    table = table_as_sql(dialect, indexed_table(index))
    explain = CONTRADICTION.format(part=as_sql(dialect, part), table=table)
    [plan] = connection.exec_driver_sql(explain, execution_options=NO_PARAMETERS).scalar_one()
    return bool(plan["Plan"].get("One-Time Filter") == "false")


def _mysql(connection: sa.Connection, index: sa.Index) -> str | None:
    parts = _expressions(index)
    if is_mariadb(connection.dialect):
        reason = "MariaDB can't index an expression"
    elif any(_is_long(connection, index, part) for part in parts):
        reason = "MySQL can't index an expression that is a TEXT, BLOB or JSON"
    else:
        return None
    statements = "; ".join(_add_column(connection.dialect, index, part) for part in parts)
    # The name of a part is its role and a digest.
    columns = ", ".join(f'{part.name.rpartition("_")[0]}="{part.name}"' for part in parts)
    return f"{reason}; run `{statements}` and map {columns}"


NO_ROWS = "SELECT {part} FROM {table} LIMIT 0"
"""The driver tells the types of the columns of no rows, too."""


def _is_long(connection: sa.Connection, index: sa.Index, part: sa.Label[Any]) -> bool:
    """Return whether an expression has one of the types that MySQL stores apart from a row."""
    dialect = connection.dialect
    table = table_as_sql(dialect, indexed_table(index))
    select = NO_ROWS.format(part=as_sql(dialect, part), table=table)
    result = connection.exec_driver_sql(select, execution_options=NO_PARAMETERS)
    [(_, type_code, *_)] = result.cursor.description
    result.close()
    return type_code in MYSQL_LONG_TYPES


def _add_column(dialect: sa.Dialect, index: sa.Index, part: sa.Label[Any]) -> str:
    table = table_as_sql(dialect, indexed_table(index))
    expression: Any = part.element
    sql = as_sql(dialect, expression.element)
    computed = sa.Computed(sa.literal_column(sql), persisted=False)
    column = as_sql(dialect, CreateColumn(sa.Column(part.name, _column_type(part.type), computed)))
    return f"ALTER TABLE {table} ADD COLUMN {column}"


def _column_type(type_: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """Return the type of a column that keeps an expression's value whole."""
    stored = type_.dialect_impl(mysql.dialect())
    if isinstance(stored, sa.DateTime):
        return mysql.DATETIME(fsp=6)
    is_open_text = isinstance(stored, sa.String | sa.types.NullType) and not getattr(
        stored, "length", None
    )
    return sa.String(255) if is_open_text else type_


def _sqlite(connection: sa.Connection, index: sa.Index) -> str | None:
    create = as_sql(connection.dialect, CreateIndex(index, if_not_exists=True))
    try:
        # It is compiled, not run.
        connection.exec_driver_sql(f"EXPLAIN {create}", execution_options=NO_PARAMETERS)
    except DBAPIError as error:
        return f"SQLite can't index its expression: {error.orig}; map another one"
    return None


def _expressions(index: sa.Index) -> list[sa.Label[Any]]:
    return [part for part in key_parts(index) if isinstance(part, sa.Label)]


Obstacle: TypeAlias = Callable[[sa.Connection, sa.Index], str | None]

OBSTACLES: PerDatabase[Obstacle] = PerDatabase(sqlite=_sqlite, postgresql=_postgresql, mysql=_mysql)
