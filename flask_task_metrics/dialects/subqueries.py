"""Subqueries that a database computes once: for each row, or for all their readers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from .databases import FAMILIES, PerDatabase

ALL_ROWS = PerDatabase(
    sqlite="LIMIT -1",
    # Without the quotes, 0 is a cast until the statement is planned, and a cast rules out parallel
    # plans.
    postgresql="OFFSET '0'",
    mysql="LIMIT 18446744073709551615",
)
"""A limit that keeps every row and keeps the planner from merging the subquery into its query."""


def materialized(rows: sa.Select[Any]) -> sa.Subquery:
    """Make a subquery of rows whose columns are costly to compute, or used several times."""
    for dialect, family in FAMILIES.items():
        rows = rows.suffix_with(getattr(ALL_ROWS, family), dialect=dialect)
    return rows.subquery()


def shared_cte(rows: sa.Select[Any], name: str) -> sa.CTE:
    """Make a CTE that every database but MariaDB computes once for all its readers."""
    # MySQL would merge a CTE without a limit into each of its readers. MariaDB computes it for each
    # reader anyway; it gets the limit too if its URL says `mysql`.
    return rows.suffix_with(ALL_ROWS.mysql, dialect="mysql").cte(name)


def computed_once(rows: sa.Select[Any]) -> sa.Subquery:
    """Make a subquery as `materialized` does, except on MySQL.

    PostgreSQL and SQLite hand its rows on one by one; MySQL would write a temporary table.
    """
    for family in ("sqlite", "postgresql"):
        rows = rows.suffix_with(getattr(ALL_ROWS, family), dialect=family)
    return rows.subquery()
