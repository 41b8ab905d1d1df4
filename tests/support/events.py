"""Tasks that are kept as events: a table of jobs, and what happened to each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timezone
from typing import Any

import sqlalchemy as sa

from tests.support.host import Timestamp
from tests.support.oracle import TaskRow

METADATA = sa.MetaData()

JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("request_id", sa.String(128)),
)


def event_table(timestamp: Any = Timestamp) -> sa.Table:
    """Return the table of events, whose moments have a type."""
    return sa.Table(
        "events",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("job_id", sa.Integer, nullable=False, index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", timestamp, index=True),
        sa.Column("state", sa.String(32), index=True),
        sa.Column("error", sa.Text),
    )


EVENTS = event_table()


def all_tasks(events: sa.Table = EVENTS, *wanted: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Select the tasks of all jobs, or of those that are wanted."""

    def at(kind: str) -> Any:
        moment = sa.func.max(sa.case((events.c.kind == kind, events.c.at)))
        return moment.label(f"{kind}_at")

    return (
        sa.select(
            *JOBS.c,
            sa.func.max(events.c.state).label("status"),
            *(at(kind) for kind in ("created", "processing", "completed", "updated")),
            sa.func.max(events.c.error).label("error_message"),
        )
        .join_from(JOBS, events, events.c.job_id == JOBS.c.id)
        .where(*wanted)
        .group_by(*JOBS.c)
    )


def tasks_since(since: Any, events: sa.Table = EVENTS) -> sa.Select[Any]:
    """Select the tasks that are open, or that something happened to since a time."""
    recent = sa.select(events.c.job_id).where(events.c.at >= since)
    unended = sa.select(events.c.job_id).where(events.c.state.in_(("queued", "processing")))
    wanted = sa.union(recent, unended).subquery()
    return all_tasks(events, JOBS.c.id.in_(sa.select(wanted.c.job_id)))


def store_events(engine: sa.Engine, tasks: Iterable[TaskRow], events: sa.Table = EVENTS) -> None:
    """Create the tables, and insert tasks as events."""
    JOBS.create(engine)
    events.create(engine)
    tasks = list(tasks)
    jobs = [{"id": task.id, "request_id": task.request_id} for task in tasks]
    happened = [event for task in tasks for event in _events(task, events)]
    with engine.begin() as connection:
        connection.execute(sa.insert(JOBS), jobs)
        connection.execute(sa.insert(events), happened)


def _events(task: TaskRow, events: sa.Table) -> Iterable[dict[str, Any]]:
    # An aware column would take a naive moment for one in the session's time zone.
    aware = bool(getattr(events.c.at.type, "timezone", False))
    for kind in ("created", "processing", "completed", "updated"):
        at = getattr(task, f"{kind}_at")
        last = {"state": task.status, "error": task.error_message} if kind == "updated" else {}
        yield {
            "job_id": task.id,
            "kind": kind,
            "at": at.replace(tzinfo=timezone.utc) if at and aware else at,
            "state": None,
            "error": None,
        } | last
