"""Conditions on a task: its status, and the time of one of its timestamps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import chain
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.dialects import before, exact_text, is_one_of, not_before
from flask_task_metrics.source import TaskSource, plain_type

from .parameters import second_type, since_parameter, until_parameter

IsWithin: TypeAlias = Callable[[TaskSource, str], sa.ColumnElement[bool]]
"""Returns whether the timestamp of a role is within the time span that a figure is about."""


def has_status(source: TaskSource, *statuses: str) -> sa.ColumnElement[bool]:
    """Return whether a task has one of some statuses now; texts are compared exactly."""
    values = chain.from_iterable(source.statuses[status] for status in statuses)
    # No row equals null, and an index knows that. SQLite scans the table for an empty list.
    return is_stored_as(source, *(tuple(values) or (None,)))


def is_stored_as(source: TaskSource, *values: Any) -> sa.ColumnElement[bool]:
    """Return whether a task has one of the values that the host stores for statuses."""
    column = sa.type_coerce(source.tasks.c.status, plain_type(source.tasks.c.status.type))
    if not all(isinstance(value, str) for value in values):
        return is_one_of(column, values)
    # The first condition can use an index, the second is exact under any collation.
    return sa.and_(is_one_of(column, values), exact_text(column).in_(values))


def is_in_window(source: TaskSource, role: str) -> sa.ColumnElement[bool]:
    """Return whether the timestamp of a role, such as `updated_at`, is in the window."""
    timestamp = source.tasks.c[role]
    return not_before(timestamp, since_parameter(role, timestamp))


def is_before_end(source: TaskSource, role: str) -> sa.ColumnElement[bool]:
    """Return whether the timestamp of a role is in the window and before its end.

    So a task that is in a window is not in the window after it.
    """
    timestamp = source.tasks.c[role]
    is_before = before(timestamp, until_parameter(role, timestamp))
    # SQLite checks this first, and it costs less than the other.
    return sa.and_(is_before, is_in_window(source, role))


def is_since(timestamp: sa.ColumnElement[Any], second: datetime) -> sa.ColumnElement[bool]:
    """Return whether a timestamp is at a whole second or later."""
    return not_before(timestamp, sa.literal(second, second_type(timestamp)))
