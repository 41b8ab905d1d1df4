"""Locks and views that stand between a host and its tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from tests.support.host import view_of_tasks

SHOWN_TASKS = view_of_tasks("shown_tasks")

LOCK = {
    "postgresql": "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE",
    "mariadb": "LOCK TABLES tasks WRITE",
    "mysql": "LOCK TABLES tasks WRITE",
    "sqlite": "BEGIN EXCLUSIVE",
}


@contextmanager
def connected(url: str | sa.URL) -> Iterator[sa.Connection]:
    """Open a connection of the test's own."""
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        yield connection


@contextmanager
def locked_tasks(url: str | sa.URL) -> Iterator[None]:
    """Lock the tasks against readers."""
    with connected(url) as connection:
        connection.exec_driver_sql(LOCK[connection.dialect.name])
        yield


def show_tasks(url: str, statement: str) -> None:
    """Create the view `shown_tasks`, or replace it."""
    with connected(url) as connection:
        connection.exec_driver_sql("DROP VIEW IF EXISTS shown_tasks")
        connection.exec_driver_sql(f"CREATE VIEW shown_tasks AS {statement}")
        connection.commit()
