"""The precision of timestamps."""

from __future__ import annotations

import sqlalchemy as sa

from flask_task_metrics.dialects import PerDatabase
from flask_task_metrics.source import TIMESTAMPS, TaskSource

from .columns import CATALOG, from_catalog, table_columns

PRECISE_TYPE: PerDatabase[str | None] = PerDatabase(
    sqlite=None, postgresql="timestamp(6) or timestamptz(6)", mysql="DATETIME(6)"
)
"""The column type that keeps microseconds; None on SQLite, whose columns keep any text."""


def whole_second_timestamps(connection: sa.Connection, source: TaskSource) -> list[str]:
    """Return the roles, such as `created_at`, whose columns drop fractions of a second."""
    if PRECISE_TYPE.of(connection.dialect) is None:
        return []
    return [
        role
        for role, column in table_columns(source, TIMESTAMPS).items()
        if from_catalog(connection, column, CATALOG.c.datetime_precision) == 0
    ]
