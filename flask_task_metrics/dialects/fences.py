"""Fences between a query and its subquery, which have a database compute the subquery's columns
once for a row, however often they are named.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

ALL_ROWS = {
    "sqlite": "LIMIT -1",
    # Without the quotes the 0 is a cast until the statement is planned, and a cast keeps parallel
    # plans out.
    "postgresql": "OFFSET '0'",
    "mysql": "LIMIT 18446744073709551615",
    "mariadb": "LIMIT 18446744073709551615",
}


def computed_once(rows: sa.Select[Any]) -> sa.Subquery:
    """Rows whose columns take long to compute, or are named often."""
    for dialect, clause in ALL_ROWS.items():
        rows = rows.suffix_with(clause, dialect=dialect)
    return rows.subquery()


def read_once(rows: sa.Select[Any]) -> sa.Subquery:
    """Rows whose timestamps are read once on SQLite, where that is what takes long."""
    return rows.suffix_with(ALL_ROWS["sqlite"], dialect="sqlite").subquery()
