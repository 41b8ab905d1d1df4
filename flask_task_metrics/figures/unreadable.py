"""The columns of timestamps that no figure can be computed from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import UNREADABLE, is_unreadable, unicode_text
from flask_task_metrics.logfmt import logfmt
from flask_task_metrics.source import STATUSES, TaskSource

from .parameters import since_parameter, window_values
from .predicates import has_status
from .query import Query
from .window import Window


@dataclass(frozen=True)
class UnreadableTimestamps:
    """The statement that finds them once a figure has failed, and the reading of its rows."""

    statement: sa.Executable

    @classmethod
    def of(cls, source: TaskSource) -> UnreadableTimestamps:
        """Build the statement for a source."""
        return cls(unreadable_timestamps(source))

    def read(self, connection: sa.Connection, window: Window) -> str | None:
        """Say which columns hold one in the tasks that a window's figures are computed from.

        For example `created_at is a zero date in 3 tasks (id 17)`; None if there is none.
        """
        query = Query("unreadable timestamps", self.statement, window_values(window))
        kind = UNREADABLE.of(connection.dialect)
        found = [
            f"{row.timestamp} is {kind} in {row.tasks} task{'s' * (row.tasks > 1)} "
            f"(id {logfmt(row.example)})"
            for row in query.run(connection)
        ]
        return "; ".join(found) or None


def unreadable_timestamps(source: TaskSource) -> sa.Select[Any]:
    """Select (timestamp, tasks, example) for each timestamp that is unreadable in tasks that a
    window's figures are computed from; `example` is a task's id.
    """
    tasks = source.tasks.c
    found = sa.union(
        *(
            sa.select(
                sa.literal(role).label("timestamp"), unicode_text(tasks.id).label("id")
            ).where(condition, is_unreadable(tasks[role]))
            for role, condition in _conditions(source)
            if source.records(role)
        )
    ).subquery("found")
    return (
        sa.select(
            found.c.timestamp,
            sa.func.count().label("tasks"),
            sa.func.min(found.c.id).label("example"),
        )
        .group_by(found.c.timestamp)
        .order_by(found.c.timestamp)
    )


def _conditions(source: TaskSource) -> Iterator[tuple[str, sa.ColumnElement[bool]]]:
    """Yield each timestamp with a condition for the tasks of which a figure needs it.

    Separate range conditions can use an index; one OR can't.
    """
    queued, processing = has_status(source, "queued"), has_status(source, "processing")
    is_completed = has_status(source, "completed") & _is_since(source, "completed_at")
    is_updated = _is_since(source, "updated_at")
    yield "created_at", _is_since(source, "created_at")
    yield "created_at", queued
    yield "created_at", is_completed
    yield "processing_at", processing
    yield "processing_at", is_completed
    yield "completed_at", is_completed
    yield "updated_at", processing
    for role in ("updated_at", "processing_at"):
        for status in STATUSES:
            yield role, has_status(source, status) & is_updated


def _is_since(source: TaskSource, role: str) -> sa.ColumnElement[bool]:
    """Return whether a timestamp is in the window, without an error for an unreadable one."""
    timestamp = source.tasks.c[role]
    since = since_parameter(role, timestamp)
    return sa.type_coerce(timestamp, since.type) >= since
