"""The task tables of the benchmark, one for each size."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from flask_task_metrics import TaskSource, recommended_indexes

# Without a precision, MySQL and MariaDB drop the microseconds.
TIMESTAMP = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")

ENGINE = "engine"
"""The dimension of the tasks."""


def table_of_size(rows: int, *dimensions: str) -> sa.Table:
    """Return the table for so many tasks, with the indexes that the package recommends, which end
    with the columns of the dimensions.
    """
    table = sa.Table(
        f"benchmark_tasks_{rows}",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column(ENGINE, sa.String(32), nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("processing_at", TIMESTAMP),
        sa.Column("completed_at", TIMESTAMP),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.Column("error_message", sa.Text),
        sa.Column("request_id", sa.String(128)),
        mysql_charset="utf8mb4",
        mariadb_charset="utf8mb4",
    )
    for index in recommended_indexes(source_of(table), *dimensions):
        table.append_constraint(index)
    return table


def source_of(table: sa.Table) -> TaskSource:
    """Map a task table for the package."""
    return TaskSource(table, request_id="request_id", dimensions=(ENGINE,))
