"""The SQL that finds rows which no figure, or a wrong one, speaks of: pure functions from a source
and a time to a statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import sqlalchemy as sa

from .conditions import bound_instant, has_status, is_since
from .dialects import elapsed_ms, exact_text, unicode_text
from .source import TIMESTAMPS, TaskSource
from .statuses import STATUSES

UNTYPED = sa.types.NullType()
"""A value as the driver has it: the type of a status column may refuse values it does not know."""

NAMED_STATUSES = 10
"""More would not fit into a line."""

NEWEST_TASKS = 1_000


def next_status(source: TaskSource, after: Any) -> sa.Select[Any]:
    """The least value of the status column beyond another (None for the very first), in the order
    of its collation; with an index on the column, one step in it.
    """
    status = _status(source)
    beyond = [] if after is None else [status > sa.literal(after, UNTYPED)]
    return sa.select(sa.func.min(status)).where(*beyond)


def unknown_statuses(source: TaskSource, found: Sequence[Any], since: datetime) -> sa.Select[Any]:
    """A row (status, tasks) for each of the most frequent values that stand for no status, among
    tasks created or updated since; `found` are the values of the column, each but once where its
    collation takes several for one.
    """
    tasks = source.rows.c
    is_known = sa.or_(*(has_status(source, name) for name in STATUSES))
    strange = [value for value in found if value not in _known_values(source)]
    # Each is a range of an index, which all of them in one condition are not.
    ranges = (
        (_has_value(source, strange), tasks.created_at),
        (_has_value(source, found), tasks.updated_at),
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


def missing_timestamps(source: TaskSource, since: datetime) -> sa.Select[Any]:
    """A row (timestamp, tasks) for each timestamp that tasks lack which were completed since, or
    updated since where they do not tell when they were completed.
    """
    tasks = source.rows.c
    # Each is a range of an index, which both in one condition are not.
    ranges = (
        is_since(tasks.completed_at, since),
        sa.and_(tasks.completed_at.is_(None), is_since(tasks.updated_at, since)),
    )
    missing = _counts(
        sa.select(sa.literal(role).label("timestamp"), sa.func.count().label("tasks")).where(
            has_status(source, "completed"), condition, tasks[role].is_(None)
        )
        for condition in ranges
        for role in TIMESTAMPS
    ).subquery("missing")
    return (
        sa.select(missing.c.timestamp, sa.func.sum(missing.c.tasks).label("tasks"))
        .group_by(missing.c.timestamp)
        .order_by(missing.c.timestamp)
    )


def negative_durations(source: TaskSource, since: datetime) -> sa.Select[Any]:
    """A row (duration, tasks, example) for each duration that is negative in tasks completed since;
    the example is the id of one of them.
    """
    tasks = source.rows.c
    return _counts(
        sa.select(
            sa.literal(f"{end} - {start}").label("duration"),
            sa.func.count().label("tasks"),
            sa.func.min(unicode_text(tasks.id)).label("example"),
        ).where(
            has_status(source, "completed"),
            is_since(tasks.completed_at, since),
            elapsed_ms(tasks[start], tasks[end]) < 0,
        )
        for start, end in (
            ("created_at", "processing_at"),
            ("processing_at", "completed_at"),
            ("created_at", "completed_at"),
        )
    )


def future_timestamps(source: TaskSource, since: datetime, now: datetime) -> sa.Select[Any]:
    """A row (timestamp, tasks, ahead_ms) for each timestamp that is more than a second ahead of
    now; of `processing_at` only in tasks that are processed now and were updated since, as in
    others it shows in the durations.
    """
    # Now is cut down to its second, which another one makes up for.
    limit = now + timedelta(seconds=2)
    tasks = source.rows.c
    is_processing = has_status(source, "processing")
    # What an index finds them by.
    found_by = {
        "created_at": sa.true(),
        "processing_at": sa.and_(is_processing, is_since(tasks.updated_at, since)),
        "completed_at": has_status(source, "completed"),
        "updated_at": _has_value(source, _known_values(source)),
    }
    return _counts(
        sa.select(
            sa.literal(role).label("timestamp"),
            sa.func.count().label("tasks"),
            sa.func.max(elapsed_ms(bound_instant(now), tasks[role])).label("ahead_ms"),
        ).where(condition, is_since(tasks[role], limit))
        for role, condition in found_by.items()
    )


def newest_ages(source: TaskSource, now: datetime) -> sa.Select[Any]:
    """A row of the least age, in milliseconds, by each timestamp of the newest tasks, for which the
    database has to read them all.
    """
    newest = sa.select(source.rows).order_by(source.rows.c.id.desc()).limit(NEWEST_TASKS).subquery()
    ages: Any = (sa.func.min(elapsed_ms(newest.c[role], bound_instant(now))) for role in TIMESTAMPS)
    return sa.select(*ages)


def _has_value(source: TaskSource, values: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Whether the status column has one of some values, as its collation compares them."""
    return _status(source).in_([sa.literal(value, UNTYPED) for value in values])


def _known_values(source: TaskSource) -> list[Any]:
    return list(chain.from_iterable(source.statuses.values()))


def _status(source: TaskSource) -> sa.ColumnElement[Any]:
    return sa.type_coerce(source.rows.c.status, UNTYPED)


def _counts(selects: Iterable[Any]) -> sa.Select[Any]:
    """The rows of several counts, without those that count nothing."""
    counts = sa.union_all(*selects).subquery("counts")
    return sa.select(counts).where(counts.c.tasks > 0)
