"""The doctor's checks of rows: tasks that the figures miss or misreport.

They follow those of `checks` in the report. A long statement goes to `queries`.
"""

from __future__ import annotations

from flask_task_metrics.figures import UnreadableTimestamps, Window
from flask_task_metrics.logfmt import logfmt
from flask_task_metrics.source import OPTIONAL_TIMESTAMPS

from . import queries, status_queries
from .check import Problem, enumeration
from .checks import CHECKS
from .clock import read_clock
from .context import Context
from .precision import PRECISE_TYPE, whole_second_timestamps

__all__ = ["CHECKS"]

DAY_MINUTES = 24 * 60


@CHECKS.add("statuses", "all of the last 24 hours are mapped", needs="types")
def unknown_statuses(context: Context) -> Problem | None:
    """Find values of the status column that the mapping does not know."""
    with context.transaction() as connection:
        found = list(status_queries.distinct_statuses(connection, context))
        statement = status_queries.unknown_statuses(context.source, found, context.day_ago)
        rows = connection.execute(statement, context.parameters).all()
    unknown = ", ".join(
        f"{'NULL' if row.status is None else logfmt(row.status)} in {_tasks(row.tasks)}"
        for row in rows
    )
    hint = "map them in TaskSource(statuses=…)"
    return Problem(f"not mapped: {unknown}", hint) if rows else None


@CHECKS.add("timestamps", "no completed task of the last 24 hours lacks one", needs="types")
def missing_timestamps(context: Context) -> Problem | None:
    """Find timestamps that completed tasks lack: figures miss these tasks."""
    source = context.source
    roles = [role for role in OPTIONAL_TIMESTAMPS if source.records(role)]
    if not roles:
        return None
    rows = context.rows(queries.missing_timestamps(source, roles, context.day_ago))
    missing = ", ".join(f"{row.timestamp} in {row.tasks}" for row in rows)
    hint = "set each one when the status changes"
    return Problem(f"NULL in completed tasks: {missing}", hint) if rows else None


@CHECKS.add("updates", "no task that counts by its updated_at lacks it", needs="types")
def never_updated(context: Context) -> Problem | None:
    """Find tasks without `updated_at`: they are in no count of their status."""
    rows = context.rows(queries.never_updated(context.source, context.day_ago))
    missing = ", ".join(f"{row.tasks} {row.status}" for row in rows)
    hint = (
        'map a list of columns, as in TaskSource(updated_at=["finished_at", "created_at"]), '
        'or the status to "ignored" if no column tells'
    )
    return Problem(f"NULL updated_at, so tasks.* miss: {missing}", hint) if rows else None


@CHECKS.add("durations", "none of the last 24 hours is negative", needs="types")
def negative_durations(context: Context) -> Problem | None:
    """Find negative durations: the latencies leave them out."""
    rows = context.rows(queries.negative_durations(context.source, context.day_ago))
    negative = ", ".join(
        f"{row.earlier} is before {row.later} in {_tasks(row.tasks)} (id {logfmt(row.example)})"
        for row in rows
    )
    return Problem(negative, "synchronize the workers' clocks with NTP") if rows else None


@CHECKS.add("future", "no timestamp is ahead of the database's clock", needs="types")
def future_timestamps(context: Context) -> Problem | None:
    """Find timestamps that are ahead of the database's clock."""
    with context.transaction() as connection:
        now = read_clock(connection).replace(microsecond=0)
        statement = queries.future_timestamps(context.source, context.day_ago, now)
        rows = connection.execute(statement, context.parameters).all()
    ahead = ", ".join(
        f"{row.timestamp} in {_tasks(row.tasks)} by up to {row.ahead_ms // 1000} s" for row in rows
    )
    hint = "store UTC, not local time"
    return Problem(f"ahead of the database's clock: {ahead}", hint) if rows else None


@CHECKS.add("utc", "every timestamp of the newest tasks can be read", needs="types")
def unreadable_timestamps(context: Context) -> Problem | None:
    """Find timestamps of the last 24 hours that the database can't subtract.

    Raises the database's error for one of the newest tasks: SQLite sorts timestamps as text, so one
    in another form may never come into a window.
    """
    statement = UnreadableTimestamps.of(context.source)
    with context.transaction() as connection:
        found = statement.read(connection, Window.ending(context.now, DAY_MINUTES))
    if found:
        return Problem(found, "correct these rows, or map an expression that makes null of them")
    context.rows(queries.newest_ages(context.source, context.now))
    return None


@CHECKS.add("fractions", "every timestamp column keeps them", needs="columns")
def dropped_fractions(context: Context) -> Problem | None:
    """Find columns that drop fractions of a second."""
    with context.transaction() as connection:
        roles = whole_second_timestamps(connection, context.source)
    if not roles:
        return None
    drop = "drops" if len(roles) == 1 else "drop"
    hint = f"use {PRECISE_TYPE.of(context.engine.dialect)}"
    return Problem(f"{enumeration(roles)} {drop} fractions of a second", hint)


def _tasks(count: int) -> str:
    return f"{count} task" if count == 1 else f"{count} tasks"
