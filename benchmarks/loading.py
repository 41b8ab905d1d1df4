"""Load tasks into a table: the rows, then the indexes, then the statistics."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import islice
from typing import Any, cast

import click
import sqlalchemy as sa

from .tables import ENGINE, table_of_size
from .work import last_tasks

BATCH = 20_000


def load_table(engine: sa.Engine, rows: int, *dimensions: str) -> None:
    """Create the table of a size; of a table that is filled, only make the indexes anew that end
    with other dimensions.
    """
    table = table_of_size(rows, *dimensions)
    is_filled = has_rows(engine, rows)
    if not is_filled:
        insert_rows(engine, rows)
    missing = missing_indexes(engine, table)
    if is_filled and not missing:
        click.echo(f"{table.name} already has its {rows:,} rows and its indexes.", err=True)
        return
    drop_other_indexes(engine, table)
    for index in missing:
        click.echo(f"Creating index {index.name} ...", err=True)
        index.create(engine)
    click.echo("Gathering statistics ...", err=True)
    gather_statistics(engine, table)


def check_loaded(engine: sa.Engine, rows: int) -> None:
    """Raise `ClickException` if the table of a size lacks rows or indexes."""
    tables = table_of_size(rows), table_of_size(rows, ENGINE)
    if not has_rows(engine, rows) or all(missing_indexes(engine, table) for table in tables):
        raise click.ClickException(
            f"{engine.url!r} has no complete table of {rows:,} rows; "
            f"load it first: python -m benchmarks load URL --rows {rows}"
        )


def has_rows(engine: sa.Engine, rows: int) -> bool:
    """Return whether the table of a size exists with all its rows."""
    table = table_of_size(rows)
    if not sa.inspect(engine).has_table(table.name):
        return False
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) == rows


def missing_indexes(engine: sa.Engine, table: sa.Table) -> list[sa.Index]:
    """Return the indexes of a table that the database lacks."""
    present = {index["name"] for index in sa.inspect(engine).get_indexes(table.name)}
    return [index for index in table.indexes if index.name not in present]


def drop_other_indexes(engine: sa.Engine, table: sa.Table) -> None:
    """Drop the indexes of the database that a table does not have."""
    wanted = {index.name for index in table.indexes}
    for index in sa.Table(table.name, sa.MetaData(), autoload_with=engine).indexes:
        if index.name not in wanted:
            index.drop(engine)


def insert_rows(engine: sa.Engine, rows: int) -> None:
    """Create the table of a size anew, without indexes, and fill it."""
    table = table_of_size(rows)
    table.drop(engine, checkfirst=True)
    with engine.begin() as connection:
        # Indexes are built faster once the rows are there.
        connection.execute(sa.schema.CreateTable(table))
    tasks = last_tasks(rows)
    with click.progressbar(length=rows, label=f"Filling {table.name}", file=sys.stderr) as bar:
        while batch := list(islice(tasks, BATCH)):
            with engine.begin() as connection:
                insert_batch(connection, table, batch)
            bar.update(len(batch))


def insert_batch(connection: sa.Connection, table: sa.Table, rows: Sequence[Any]) -> None:
    """Insert named tuples, on PostgreSQL by COPY."""
    if connection.engine.driver != "psycopg":
        connection.execute(sa.insert(table), [row._asdict() for row in rows])
        return
    cursor = cast("Any", connection.connection.cursor())
    with cursor.copy(f"COPY {table.name} ({', '.join(rows[0]._fields)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def gather_statistics(engine: sa.Engine, table: sa.Table) -> None:
    """Vacuum and analyze now, instead of waiting until the database does so by itself."""
    commands = {"postgresql": "VACUUM ANALYZE", "sqlite": "ANALYZE"}
    command = commands.get(engine.dialect.name, "ANALYZE TABLE")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"{command} {table.name}")
