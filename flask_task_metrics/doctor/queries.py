"""Queries for rows that the figures miss or misreport."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import Instant, elapsed_ms, instant, unicode_text
from flask_task_metrics.figures import has_status, is_since
from flask_task_metrics.source import STATUSES, TIMESTAMPS, TaskSource

from .status_queries import has_value_of, known_values

NEWEST_TASKS = 1_000


def missing_timestamps(source: TaskSource, roles: Sequence[str], since: datetime) -> sa.Select[Any]:
    """Select (timestamp, tasks) for each of some timestamps that is null in tasks completed since a
    time.

    A task without `completed_at` counts by its `updated_at`.
    """
    tasks = source.tasks.c
    # Separate range conditions can use an index; one OR can't.
    ranges = (
        is_since(tasks.completed_at, since),
        sa.and_(tasks.completed_at.is_(None), is_since(tasks.updated_at, since)),
    )
    missing = _counts(
        sa.select(sa.literal(role).label("timestamp"), sa.func.count().label("tasks")).where(
            has_status(source, "completed"), condition, tasks[role].is_(None)
        )
        for condition in ranges
        for role in roles
    ).subquery("missing")
    return (
        sa.select(missing.c.timestamp, sa.func.sum(missing.c.tasks).label("tasks"))
        .group_by(missing.c.timestamp)
        .order_by(missing.c.timestamp)
    )


def never_updated(source: TaskSource, since: datetime) -> sa.Select[Any]:
    """Select (status, tasks) for each status with tasks whose `updated_at` is null.

    Of tasks that have ended, those count that were created or completed since a time, or all if
    neither is recorded.
    """
    tasks = source.tasks.c
    moments = (tasks[role] for role in ("created_at", "completed_at") if source.records(role))
    is_recent = sa.or_(*([is_since(moment, since) for moment in moments] or [sa.true()]))
    return _counts(
        sa.select(sa.literal(status).label("status"), sa.func.count().label("tasks")).where(
            has_status(source, status),
            tasks.updated_at.is_(None),
            sa.true() if status in ("queued", "processing") else is_recent,
        )
        for status in STATUSES
    )


def negative_durations(source: TaskSource, since: datetime) -> sa.Select[Any]:
    """Select (earlier, later, tasks, example) for each pair of timestamps in the wrong order, among
    tasks completed since a time.

    `earlier` names the timestamp that should not be before `later`; `example` is a task's id.
    """
    tasks = source.tasks.c
    return _counts(
        sa.select(
            sa.literal(end).label("earlier"),
            sa.literal(start).label("later"),
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
    """Select (timestamp, tasks, ahead_ms) for each timestamp that is more than a second after now.

    `processing_at` is examined in tasks that are processing now and were updated since a time; in
    others a wrong one makes a duration negative.
    """
    # One second for the fraction that `now` lacks, and one that is tolerated.
    limit = now + timedelta(seconds=2)
    tasks = source.tasks.c
    is_processing = has_status(source, "processing")
    # The conditions let an index find the tasks.
    conditions = {
        "created_at": sa.true(),
        "processing_at": sa.and_(is_processing, is_since(tasks.updated_at, since)),
        "completed_at": has_status(source, "completed"),
        "updated_at": has_value_of(source, known_values(source)),
    }
    return _counts(
        sa.select(
            sa.literal(role).label("timestamp"),
            sa.func.count().label("tasks"),
            sa.func.max(elapsed_ms(sa.literal(now, Instant()), tasks[role])).label("ahead_ms"),
        ).where(condition, is_since(tasks[role], limit))
        for role, condition in conditions.items()
        if source.records(role)
    )


def newest_ages(source: TaskSource, now: datetime) -> sa.Select[Any]:
    """Select the least age in milliseconds by each timestamp of the newest tasks, and how many of
    them have a `due_at`.

    The database must parse every timestamp of theirs for it.
    """
    tasks = source.tasks
    newest = sa.select(tasks).order_by(tasks.c.id.desc()).limit(NEWEST_TASKS).subquery().c
    moment = sa.literal(now, Instant())
    ages: Any = [sa.func.min(elapsed_ms(newest[role], moment)) for role in _recorded(source)]
    if source.records("due_at"):
        # A plan may be infinite.
        ages.append(sa.func.count(instant(newest.due_at)))
    return sa.select(*ages)


def _recorded(source: TaskSource) -> list[str]:
    """Return the roles of the timestamps of what has happened to a task."""
    return [role for role in TIMESTAMPS if source.records(role)]


def _counts(selects: Iterable[Any]) -> sa.Select[Any]:
    """Combine the rows of several counts, without those that count nothing."""
    counts = sa.union_all(*selects).subquery("counts")
    return sa.select(counts).where(counts.c.tasks > 0)
