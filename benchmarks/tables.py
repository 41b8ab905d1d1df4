"""The tables of the work, one for each size, with columns like the example's."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from flask_task_metrics import TaskSource, recommended_indexes

# MySQL and MariaDB keep the microseconds of a timestamp only where they are asked to.
TIMESTAMP = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")

PREFIX = "benchmark_tasks_"


def task_table(name: str, *, is_partitioned: bool = False) -> sa.Table:
    """A task table without any index but its primary key, which in a partitioned one has to hold
    what it is partitioned by.
    """
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("engine", sa.String(32), nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("created_at", TIMESTAMP, primary_key=is_partitioned, nullable=False),
        sa.Column("processing_at", TIMESTAMP),
        sa.Column("completed_at", TIMESTAMP),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.Column("error_message", sa.Text),
        sa.Column("request_id", sa.String(128)),
        mysql_charset="utf8mb4",
        mariadb_charset="utf8mb4",
        postgresql_partition_by="RANGE (created_at)" if is_partitioned else None,
    )


def table_of_size(rows: int) -> sa.Table:
    """The table that holds so many rows of the work, and its indexes."""
    return with_indexes(task_table(f"{PREFIX}{rows}"))


def source_of(table: sa.Table) -> TaskSource:
    """What the columns of a task table mean."""
    return TaskSource(table, request_id="request_id")


def loaded_sizes(engine: sa.Engine) -> list[int]:
    """The sizes whose tables are in a database, the smallest first."""
    names = sa.inspect(engine).get_table_names()
    sizes = (name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))
    return sorted(int(size) for size in sizes if size.isdecimal())


def with_indexes(table: sa.Table) -> sa.Table:
    """The table with the indexes that the package recommends for it."""
    for index in recommended_indexes(source_of(table)):
        table.append_constraint(index)
    return table
