"""Queries for the values of the status column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import exact_text
from flask_task_metrics.figures import has_status, is_since
from flask_task_metrics.source import TaskSource, plain_type

from .context import Context

UNTYPED = sa.types.NullType()
"""The type of a value as the driver returns it; the column's type may refuse unknown statuses."""

MOST_STATUSES = 100
"""The most values of the status column that are read; one with more does not hold statuses."""

NAMED_STATUSES = 10
"""The most unknown statuses in a line."""


def distinct_statuses(connection: sa.Connection, context: Context) -> Iterator[Any]:
    """Yield the first values of the status column, in the order of its collation.

    A value that the collation equates with an earlier one is skipped. Each value is a query of its
    own: an index on the column answers it at once, and a DISTINCT may read all of it. No index
    serves a derived source.
    """
    status = _status(context.source)
    if context.source.is_derived:
        distinct = sa.select(status).where(status.is_not(None)).distinct().limit(MOST_STATUSES)
        yield from connection.scalars(distinct, context.parameters)
        return
    if isinstance(plain_type(context.source.tasks.c.status.type), sa.Boolean):
        # PostgreSQL has no least boolean.
        yield from (False, True)
        return
    least = query = sa.select(sa.func.min(status))
    for _ in range(MOST_STATUSES):
        value = connection.scalar(query, context.parameters)
        if value is None:
            return
        yield value
        query = least.where(status > sa.literal(value, UNTYPED))


def unknown_statuses(source: TaskSource, found: Sequence[Any], since: datetime) -> sa.Select[Any]:
    """Select (status, tasks) for the most frequent values that are mapped to no status, among tasks
    created or updated since a time.

    `found` are the distinct values of the column.
    """
    tasks = source.tasks.c
    is_known = sa.or_(*(has_status(source, name) for name in source.statuses))
    unmapped = [value for value in found if value not in known_values(source)]
    # Separate range conditions can use an index; one OR can't.
    ranges = (
        (has_value_of(source, unmapped), tasks.created_at),
        (has_value_of(source, found), tasks.updated_at),
        (tasks.status.is_(None), tasks.created_at),
        (tasks.status.is_(None), tasks.updated_at),
    )
    recent = sa.union(
        *(
            sa.select(tasks.id, exact_text(tasks.status).label("status")).where(
                has_value, is_since(timestamp, since), sa.case((is_known, 0), else_=1) == 1
            )
            for has_value, timestamp in ranges
        )
    ).subquery("recent")
    count = sa.func.count().label("tasks")
    return (
        sa.select(recent.c.status, count)
        .group_by(recent.c.status)
        .order_by(count.desc(), recent.c.status)
        .limit(NAMED_STATUSES)
    )


def has_value_of(source: TaskSource, values: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Return whether the status is one of some values, as its collation compares them."""
    return _status(source).in_([sa.literal(value, UNTYPED) for value in values])


def known_values(source: TaskSource) -> list[Any]:
    """Return the values that are mapped to a status or to `ignored`."""
    return list(chain.from_iterable(source.statuses.values()))


def _status(source: TaskSource) -> sa.ColumnElement[Any]:
    return sa.type_coerce(source.tasks.c.status, UNTYPED)
