"""The columns of tables that are mapped as they are, and what the database says of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.source import TaskSource

CATALOG = sa.table(
    "columns",
    *(sa.column(name) for name in ("table_schema", "table_name", "column_name")),
    *(sa.column(name) for name in ("data_type", "udt_name", "datetime_precision")),
    schema="information_schema",
)
"""The catalog of PostgreSQL, MariaDB and MySQL. It shows a user only columns that it may read."""


def table_columns(source: TaskSource, roles: Iterable[str]) -> dict[str, sa.ColumnClause[Any]]:
    """Return the column of a table or view that is mapped to each role, such as `created_at`.

    A role that is mapped to an expression has none.
    """
    return {
        role: column
        for role in roles
        for column in source.mapped.c[role].base_columns
        if isinstance(column, sa.ColumnClause) and isinstance(column.table, sa.TableClause)
    }


def from_catalog(
    connection: sa.Connection, column: sa.ColumnClause[Any], wanted: sa.ColumnElement[Any]
) -> Any:
    """Return a value of a column's row in the catalog; None if it has none."""
    table: Any = column.table
    return connection.scalar(
        sa.select(wanted).where(
            CATALOG.c.table_schema == (table.schema or connection.dialect.default_schema_name),
            CATALOG.c.table_name == table.name,
            CATALOG.c.column_name == column.name,
        )
    )
