"""`flask task-metrics indexes`."""

from __future__ import annotations

from collections.abc import Sequence

import click
import sqlalchemy as sa
from flask.cli import with_appcontext

from flask_task_metrics.indexes import (
    effect_on_writers,
    index_states,
    migration,
    statements_to_build,
)
from flask_task_metrics.mounted import current_mounted

from .source_option import source_option


@click.command()
@click.option("--alembic", is_flag=True, help="Print an Alembic migration instead of SQL.")
@click.option(
    "--dimension",
    "dimensions",
    metavar="NAME",
    multiple=True,
    help="Show the indexes that also serve a filter by a dimension; may be repeated.",
)
@source_option
@with_appcontext
def indexes(*, alembic: bool, dimensions: tuple[str, ...], source: str | None) -> None:
    """Show which of the recommended indexes the task table has.

    For those that are missing it prints SQL for the database's own client, and changes nothing:

    \b
        flask task-metrics indexes | psql my_database

    The database is the primary, even if TASK_METRICS_BIND_KEY names a replica, since replicas get
    their indexes from it.
    """
    mounted = current_mounted()
    tasks = mounted.reader_of(source).source
    comment = "#" if alembic else "--"
    with mounted.primary_engine(tasks.bind_key).connect() as connection:
        states = index_states(connection, tasks, dimensions)
        for state in states:
            click.echo(f"{comment} {state.index.name}: {state}")
        if to_build := [state.index for state in states if state.is_buildable]:
            click.echo(f"{comment} {effect_on_writers(connection.dialect, to_build)}")
            click.echo(_migration(connection, to_build) if alembic else _sql(connection, to_build))


def _sql(connection: sa.Connection, to_build: Sequence[sa.Index]) -> str:
    return "\n".join(f"{sql};" for sql in statements_to_build(connection, to_build))


def _migration(connection: sa.Connection, to_build: Sequence[sa.Index]) -> str:
    return f"\n\n{migration(connection, to_build)}"
