"""Full scans of a large table by the queries of a snapshot."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.sql.visitors import iterate

from flask_task_metrics.exceptions import InvalidFilterError
from flask_task_metrics.figures import Collector, Window, is_since, with_filter
from flask_task_metrics.source import NO_FILTER, Dimension, Filter, TaskSource, since_values

from .plans import scanned_tables

SMALL_TABLE = 10_000
"""A table of fewer rows may be scanned, since an index would save little."""

MOST_ROWS_PER_TASK = 10
"""The most rows that a scan may read for each task in the window; an index serves smaller parts."""


def needless_full_scans(
    connection: sa.Connection, source: TaskSource, window: Window
) -> dict[str, list[str]]:
    """Return the large tables that queries would scan in full, each with the queries' figures:
    `{"tasks": ["counts", "errors"]}`.
    """
    figures_of: dict[str, list[str]] = {}
    for chosen, suffix in _filters(connection, source, window):
        filtered = source.filtered(chosen.shape) if chosen.shape else source
        with_filter(connection, chosen)
        for query in Collector.of(filtered, connection.dialect).queries(window):
            for table in scanned_tables(connection, query):
                figures_of.setdefault(table, []).append(f"{query.figure}{suffix}")
    return {
        table: figures
        for table, figures in figures_of.items()
        if _is_large(connection, source, table, window)
    }


def _filters(
    connection: sa.Connection, source: TaskSource, window: Window
) -> Iterator[tuple[Filter, str]]:
    """Yield no filter, and one by each dimension, each with a suffix for the names of figures:
    ` by engine`.
    """
    yield NO_FILTER, ""
    for name, dimension in source.dimensions.items():
        yield _by_newest(connection, source, dimension, window), f" by {name}"


def _by_newest(
    connection: sa.Connection, source: TaskSource, dimension: Dimension, window: Window
) -> Filter:
    """Return a filter by the newest task's value, or by null if the table holds another kind."""
    tasks = source.tasks.c
    stored = sa.type_coerce(tasks[dimension.role], dimension.stored_type)
    statement = sa.select(stored).order_by(tasks.id.desc()).limit(1)
    newest = connection.scalar(statement, since_values(window.start))
    try:
        return source.filter_of({dimension.name: newest})
    except InvalidFilterError:
        return source.filter_of({dimension.name: None})


def _is_large(connection: sa.Connection, source: TaskSource, name: str, window: Window) -> bool:
    """Return whether a table has many rows, and many for each task in the window."""
    role = "created_at" if source.records("created_at") else "updated_at"
    in_window = sa.select(sa.func.count()).where(is_since(source.tasks.c[role], window.start))
    values = since_values(window.start)
    tasks = connection.execute(in_window, values).scalar_one()
    enough = max(SMALL_TABLE, MOST_ROWS_PER_TASK * tasks)
    rows = sa.select(sa.literal(1)).select_from(_table(connection, source, name)).limit(enough)
    counted = connection.execute(sa.select(sa.func.count()).select_from(rows.subquery()), values)
    return bool(counted.scalar_one() == enough)


def _table(connection: sa.Connection, source: TaskSource, name: str) -> sa.FromClause:
    """Return the table of a name in a plan: one of the source, or one behind a view.

    Any other name is an alias. It may stand for the whole source.
    """
    tables = {table.name: table for table in iterate(source.tasks) if isinstance(table, sa.Table)}
    if name in tables:
        return tables[name]
    return sa.table(name) if sa.inspect(connection).has_table(name) else source.tasks
