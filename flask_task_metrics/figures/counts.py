"""The counts: tasks of the window by status, and the backlog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import computed_once, elapsed_ms, instant, materialized
from flask_task_metrics.source import STATUSES, TaskSource

from .one_pass import Count, counted_in_one_pass
from .parameters import instant_parameter, window_values
from .predicates import has_status, is_in_window
from .query import Query
from .ready import began_at, is_due_later, ready_at
from .snapshot import Backlog, BacklogCount, ScheduledCount, TaskCounts, task_reference
from .window import Window


@dataclass(frozen=True)
class Counts:
    """The statement of the counts, and the reading of its rows."""

    statement: sa.Executable

    @classmethod
    def of(cls, source: TaskSource) -> Counts:
        """Build the statement for a source."""
        return cls(count_tasks(source))

    def queries(self, window: Window) -> list[Query]:
        """Return the statement as it runs for a window."""
        return [Query("counts", self.statement, window_values(window))]

    def read(self, connection: sa.Connection, window: Window) -> tuple[TaskCounts, Backlog]:
        """Count the tasks of a window, and the backlog."""
        [query] = self.queries(window)
        rows = {row.figure: row for row in query.run(connection)}
        return tasks_and_backlog({figure: row.tasks for figure, row in rows.items()}, rows)


def tasks_and_backlog(
    counts: Mapping[str, int], oldest: Mapping[str, Any]
) -> tuple[TaskCounts, Backlog]:
    """Return the counts by figure, and the backlog with the rows of its oldest tasks."""
    tasks = TaskCounts(
        created=counts.get("created"), **{status: counts[status] for status in STATUSES}
    )
    scheduled = counts.get("backlog_scheduled")
    return tasks, Backlog(
        _backlog_count(counts["backlog_queued"], oldest.get("oldest_queued")),
        _backlog_count(counts["backlog_processing"], oldest.get("oldest_processing")),
        None if scheduled is None else ScheduledCount(scheduled),
    )


def count_tasks(source: TaskSource) -> sa.Executable:
    """Select a row (figure, tasks, age_ms, id, request_id) for each count: `created`, the statuses,
    `backlog_queued`, `backlog_processing` and `backlog_scheduled`, as far as the source records
    their timestamps.

    The oldest task of a backlog is a row `oldest_queued` or `oldest_processing`. There is none if
    no task has a timestamp.
    """
    counts = counted_figures(source)
    if source.is_derived:
        return counted_in_one_pass(source, counts)
    return sa.union_all(
        *(_count(count) if count.since is None else _oldest(count, source) for count in counts)
    )


def counted_figures(source: TaskSource) -> list[Count]:
    """Return each count of `count_tasks`, and the conditions of its tasks."""
    is_updated = is_in_window(source, "updated_at")
    queued, processing = (has_status(source, status) for status in ("queued", "processing"))
    due = [sa.not_(is_due_later(source))] if source.records("due_at") else []
    # PostgreSQL takes the types of a union's columns from its first rows.
    counts = [Count("oldest_processing", [processing], began_at(source))]
    if source.records("created_at") or source.records("due_at"):
        counts.append(Count("oldest_queued", [queued, *due], ready_at(source)))
    counts.append(Count("backlog_queued", [queued, *due]))
    counts.append(Count("backlog_processing", [processing]))
    if source.records("due_at"):
        counts.append(Count("backlog_scheduled", [queued, is_due_later(source)]))
    if source.records("created_at"):
        counts.append(Count("created", [is_in_window(source, "created_at")]))
    counts += (Count(status, [has_status(source, status), is_updated]) for status in STATUSES)
    return counts


def _count(count: Count) -> Any:
    return sa.select(
        sa.literal(count.figure).label("figure"),
        sa.func.count().label("tasks"),
        sa.null().label("age_ms"),
        sa.null().label("id"),
        sa.null().label("request_id"),
    ).where(*count.conditions)


def _oldest(count: Count, source: TaskSource) -> sa.Select[Any]:
    """Select the task with the least timestamp; of equal ones, the least id."""
    since: Any = count.since
    moments: Any = sa.select(instant(since).label("moment")).where(*count.conditions)
    least = sa.select(sa.func.min(computed_once(moments).c.moment)).scalar_subquery()
    tasks = source.tasks.c
    # A planner that reads the ids in order to sort none may read the whole table.
    oldest = materialized(
        sa.select(
            sa.literal(count.figure).label("figure"),
            sa.cast(sa.null(), sa.BigInteger).label("tasks"),
            elapsed_ms(since, instant_parameter("end")).label("age_ms"),
            tasks.id,
            tasks.request_id,
        ).where(*count.conditions, instant(since) == least)
    )
    first = sa.select(oldest).order_by(oldest.c.id).limit(1)
    # SQLite sorts no part of a union but a subquery.
    return sa.select(first.subquery())


def _backlog_count(count: int, oldest: Any) -> BacklogCount:
    if oldest is None:
        return BacklogCount(count, None, None)
    return BacklogCount(
        count, int(oldest.age_ms / 1000), task_reference(oldest.id, oldest.request_id)
    )
