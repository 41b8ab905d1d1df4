"""Conditions and subqueries that several contenders share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import computed_once, elapsed_ms, instant

from .host import Host
from .work import END


def since(minutes: int) -> datetime:
    """Return the start of the window of the last minutes of the work."""
    return END - timedelta(minutes=minutes)


def completed_since(host: Host, minutes: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of the tasks that were completed in the window."""
    tasks = host.table.c
    return tasks.status == "completed", tasks.completed_at >= since(minutes)


def updated_since(
    host: Host, statuses: Sequence[str], minutes: int
) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of the tasks with one of some statuses, updated in the window."""
    # The recommended index begins with the status: without statuses, this is a full scan.
    tasks = host.table.c
    return tasks.status.in_(statuses), tasks.updated_at >= since(minutes)


def durations(host: Host, minutes: int) -> tuple[sa.ColumnElement[int], ...]:
    """Return the exact milliseconds of the three latencies, as columns of one subquery."""
    tasks = host.table.c
    roles = ("created_at", "processing_at", "completed_at")
    completed: Any = sa.select(*(instant(tasks[role]).label(role) for role in roles))
    at = computed_once(completed.where(*completed_since(host, minutes))).c
    created, began, ended = (at[role] for role in roles)
    return elapsed_ms(created, began), elapsed_ms(began, ended), elapsed_ms(created, ended)


def count_by(
    connection: sa.Connection, column: sa.Column[Any], where: tuple[sa.ColumnElement[bool], ...]
) -> dict[str, int]:
    """Count the tasks that meet conditions by the values of a column."""
    query = sa.select(column, sa.func.count()).where(*where).group_by(column)
    return dict(connection.execute(query).all())
