"""Detect that the file of an SQLite connection was replaced since it was opened."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from flask_task_metrics.dialects import family_of

FILE = "flask_task_metrics.file"
"""The key of the opened file's identity in the `info` of a connection."""


def watch_files(engine: sa.Engine) -> None:
    """Have the connections of an SQLite engine note which file they open."""
    if family_of(engine.dialect) == "sqlite" and not event.contains(engine, "connect", _note):
        event.listen(engine, "connect", _note)


def connect(engine: sa.Engine) -> sa.Connection:
    """Check out a connection, on SQLite to the file that its path names now.

    A pooled connection would read a file on that has been replaced, such as by a backup.
    """
    connection = engine.connect()
    while _is_replaced(connection):
        connection.invalidate()
        connection.close()
        connection = engine.connect()
    return connection


def _note(driver: Any, record: Any) -> None:
    # The host's own authorizer may keep the path a secret. The connection is then taken as it is.
    with suppress(sqlite3.DatabaseError):
        record.info[FILE] = _identity(driver)


def _is_replaced(connection: sa.Connection) -> bool:
    if family_of(connection.dialect) != "sqlite":
        return False
    with suppress(sqlite3.DatabaseError):
        now = _identity(connection.connection.driver_connection)
        # A connection that was opened before the engine was watched is taken as it is.
        return bool(connection.info.setdefault(FILE, now) != now)
    return False


def _identity(driver: Any) -> tuple[int, int] | None:
    """Return the device and inode of a connection's file; None if it is in memory, or gone."""
    try:
        status = os.stat(_path(driver))  # noqa: PTH116 - a Path is no bytes
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _path(driver: Any) -> bytes:
    own, driver.text_factory = driver.text_factory, bytes
    try:
        with closing(driver.cursor()) as cursor:
            cursor.row_factory = None
            # As a SELECT it would wait for locks.
            path: bytes = cursor.execute("PRAGMA database_list").fetchone()[2]
    finally:
        driver.text_factory = own
    return path
