"""The tables that a snapshot would read from end to end, and need not."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.sql.visitors import iterate

from .conditions import is_since
from .dialects import scanned_tables
from .queries import Statements
from .snapshot import Window
from .source import TaskSource

SMALL_TABLE = 10_000
"""Rows that are as soon read one after the other as looked up in an index."""

ALL_FOR_A_PART = 10
"""How many times a window's tasks a database may rightly read to find them."""


def needless_scans(
    connection: sa.Connection, source: TaskSource, window: Window
) -> dict[str, list[str]]:
    """The large tables that the plans of a window's queries read from end to end, and for each the
    names of these queries.
    """
    queries_of: dict[str, list[str]] = {}
    statements = Statements.of(source, window, connection.dialect, whole_messages=False)
    for query, statement in statements.every().items():
        for table in scanned_tables(connection, statement):
            queries_of.setdefault(table, []).append(query)
    return {
        table: queries
        for table, queries in queries_of.items()
        if _is_large(connection, source, table, window)
    }


def _is_large(connection: sa.Connection, source: TaskSource, name: str, window: Window) -> bool:
    """Whether a table has many rows, and many times those of the window."""
    in_window = sa.select(sa.func.count()).where(is_since(source.rows.c.created_at, window.start))
    enough = max(SMALL_TABLE, ALL_FOR_A_PART * connection.execute(in_window).scalar_one())
    rows = sa.select(sa.literal(1)).select_from(_table(connection, source, name)).limit(enough)
    counted = connection.execute(sa.select(sa.func.count()).select_from(rows.subquery()))
    return bool(counted.scalar_one() == enough)


def _table(connection: sa.Connection, source: TaskSource, name: str) -> sa.FromClause:
    """What a plan names: a table of the source's, or one behind a view; else an alias, which may
    stand for all that the source is made of.
    """
    tables = {table.name: table for table in iterate(source.rows) if isinstance(table, sa.Table)}
    if name in tables:
        return tables[name]
    return sa.table(name) if sa.inspect(connection).has_table(name) else source.rows
