"""Read-only transactions on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import cast

import sqlalchemy as sa

from flask_task_metrics.deadline import Deadline

from .settings import restore_or_discard

STEPS_BETWEEN_CLOCK_READINGS = 10_000


@contextmanager
def sqlite_transaction(connection: sa.Connection, deadline: Deadline) -> Iterator[None]:
    """Run a transaction; see `read_only_transaction`."""
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    before = {
        name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("query_only", "busy_timeout")
    }
    own_ms = before["busy_timeout"]
    text_factory = driver.text_factory
    left_ms = deadline.left_ms()

    def restore() -> None:
        driver.text_factory = text_factory
        if left_ms is not None:
            driver.set_progress_handler(None, 0)
        if getattr(driver, "autocommit", None) is False:
            # This mode (Python 3.12) needs a transaction at any time: the driver begins the next.
            driver.rollback()
        elif driver.in_transaction:
            connection.exec_driver_sql("ROLLBACK")
        _set_pragmas(connection, before)

    try:
        _set_pragmas(
            connection,
            {"query_only": 1, "busy_timeout": own_ms if left_ms is None else min(own_ms, left_ms)},
        )
        # Bytes are read as text, and need not be UTF-8.
        driver.text_factory = partial(str, encoding="utf-8", errors="replace")
        if left_ms is not None:
            driver.set_progress_handler(lambda: deadline.is_past, STEPS_BETWEEN_CLOCK_READINGS)
        # The driver begins a transaction only before a write, unless the host configured it to
        # begin at once (`autocommit=False`).
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN")
        yield
    finally:
        restore_or_discard(connection, restore)


def _set_pragmas(connection: sa.Connection, pragmas: Mapping[str, int]) -> None:
    for pragma, value in pragmas.items():
        connection.exec_driver_sql(f"PRAGMA {pragma} = {value}")
