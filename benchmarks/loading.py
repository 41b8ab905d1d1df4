"""Loading the work into a database: the rows, then the indexes, then the statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, cast

import sqlalchemy as sa

from .exceptions import BenchmarkError
from .progress import progress_bar
from .tables import table_of_size
from .work import Task, last_tasks

BATCH = 20_000


def check_loaded(engine: sa.Engine, rows: int) -> None:
    """Raise `BenchmarkError` where the table of a size is not there with all its rows."""
    if not has_rows(engine, rows) or missing_indexes(engine, rows):
        raise BenchmarkError(
            f"{engine.url!r} has no complete table of {rows:,} rows; "
            f"load it first: python -m benchmarks load URL --rows {rows}"
        )


def has_rows(engine: sa.Engine, rows: int) -> bool:
    """Whether the table of a size is there with all its rows."""
    table = table_of_size(rows)
    if not sa.inspect(engine).has_table(table.name):
        return False
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) == rows


def missing_indexes(engine: sa.Engine, rows: int) -> list[sa.Index]:
    """The recommended indexes that the table of a size has not got yet."""
    table = table_of_size(rows)
    there = {index["name"] for index in sa.inspect(engine).get_indexes(table.name)}
    return [index for index in table.indexes if index.name not in there]


def insert_rows(engine: sa.Engine, rows: int) -> None:
    """Create the table of a size anew and fill it."""
    table = table_of_size(rows)
    table.drop(engine, checkfirst=True)
    with engine.begin() as connection:
        # The indexes come after the rows, which is faster.
        connection.execute(sa.schema.CreateTable(table))
    fill(engine, table, last_tasks(rows), rows)


def fill(engine: sa.Engine, table: sa.Table, tasks: Iterator[Task], count: int) -> None:
    """Insert so many tasks batch by batch, with a progress bar."""
    with progress_bar(table.name, count) as advance:
        while batch := list(islice(tasks, BATCH)):
            insert_tasks(engine, table, batch)
            advance("inserting", len(batch))


def insert_tasks(engine: sa.Engine, table: sa.Table, tasks: Sequence[Task]) -> None:
    """Insert tasks in one transaction, the way that is fast on their database."""
    insert = _copy if engine.dialect.name == "postgresql" else _insert
    with engine.begin() as connection:
        insert(connection, table, tasks)


def _insert(connection: sa.Connection, table: sa.Table, tasks: Iterable[Task]) -> None:
    connection.execute(sa.insert(table), [task._asdict() for task in tasks])


def _copy(connection: sa.Connection, table: sa.Table, tasks: Iterable[Task]) -> None:
    cursor = cast("Any", connection.connection.cursor())
    with cursor.copy(f"COPY {table.name} ({', '.join(Task._fields)}) FROM STDIN") as copy:
        for task in tasks:
            copy.write_row(task)


def gather_statistics(engine: sa.Engine, table: sa.Table) -> None:
    """Do at once what a database's own upkeep does in the background."""
    commands = {"postgresql": "VACUUM ANALYZE", "sqlite": "ANALYZE"}
    command = commands.get(engine.dialect.name, "ANALYZE TABLE")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"{command} {table.name}")
