"""The signs of progress: when a task last ended, and how many processing tasks are stuck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import (
    MICROSECOND,
    elapsed_us,
    has_text_timestamps,
    instant,
    is_unreadable,
    materialized,
)
from flask_task_metrics.source import ENDED, TaskSource, since_values

from .parameters import instant_parameter, second_parameter, values, window_values
from .predicates import has_status, is_stored_as
from .query import Query
from .ready import began_at
from .state import Limits, Signs
from .window import Window

BEGINNING = datetime.min.replace(tzinfo=timezone.utc)

A_DAY_OF_SECONDS = 24 * 60 * 60


@dataclass(frozen=True)
class Progress:
    """The statements of the signs of progress, and the reading of their rows. A derived source has
    a second one, which runs if ends are looked for before the window, and none is in it.

    Ends are looked for in the last day, so that partitions of earlier days need not be read. If
    `looks_back` is False, it is the time of stalled alone: a function may hold no earlier ones, and
    no index leads to the last end of a dimension's rare value.
    """

    statements: Sequence[sa.Executable]
    records_ends: bool
    looks_back: bool

    @classmethod
    def of(cls, source: TaskSource, dialect: sa.Dialect, relevant: TaskSource) -> Progress | None:
        """Build the statements for a source and its `relevant_tasks`.

        None if it has no queued or no processing status.
        """
        if not (source.statuses["queued"] and source.statuses["processing"]):
            return None
        statements = (
            [signs_in_one_pass(tasks) for tasks in (relevant, source)]
            if source.is_derived
            else [signs_by_index(source, dialect)]
        )
        looks_back = not (source.is_function or source.is_filtered)
        return cls(statements, bool(source.statuses["completed"]), looks_back)

    def queries(self, window: Window, limits: Limits | None = None) -> list[Query]:
        """Return the statements as they run for a window, by default with its start for limits."""
        stuck_before = ended_since = window.start
        if limits:
            stuck_before = _before(window.end, limits.stuck_seconds)
            ended_since = self._ended_since(window, limits)
        own = values(end=window.end, stuck_before=stuck_before, ended_since=ended_since)
        parameters = window_values(window) | own | since_values(ended_since)
        return [Query("progress", statement, parameters) for statement in self.statements]

    def read(self, connection: sa.Connection, window: Window, limits: Limits) -> Signs:
        """Read the signs of progress at the end of a window."""
        looked_back = window.end - self._ended_since(window, limits)
        length = window.end - window.start
        for query in self.queries(window, limits):
            rows = query.run(connection).all()
            ages = [row.since_us * MICROSECOND for row in rows if row.since_us is not None]
            # The relevant tasks have all ends in the window, but not all earlier ones.
            if looked_back <= length or any(age <= length for age in ages):
                break
        return Signs(
            stuck=sum(row.stuck for row in rows),
            since_last_end=min((age for age in ages if age <= looked_back), default=None),
            looked_back=looked_back,
            records_ends=self.records_ends,
        )

    def _ended_since(self, window: Window, limits: Limits) -> datetime:
        """Return the moment from which on ends are looked for."""
        at_least = A_DAY_OF_SECONDS if self.looks_back else 0
        return _before(window.end, max(limits.stalled_seconds, at_least))


def _before(end: datetime, seconds: int) -> datetime:
    """Return the moment some seconds before an end, or the first that Python can represent."""
    return end - min(timedelta(seconds=seconds), end - BEGINNING)


def signs_in_one_pass(source: TaskSource) -> sa.Executable:
    """Select one row as `signs_by_index` does, for a source that no index serves."""
    updated_at = source.tasks.c.updated_at
    has_ended = sa.or_(*(has_status(source, status) for status in ENDED))
    moment = sa.case((sa.and_(has_ended, _is_known_end(updated_at)), instant(updated_at)))
    began = sa.case((has_status(source, "processing"), instant(began_at(source))))
    signs: Any = sa.select(
        sa.func.count(sa.case((began < instant_parameter("stuck_before"), 1))).label("stuck"),
        sa.func.max(moment).label("moment"),
    ).select_from(source.tasks)
    found = materialized(signs).c
    return sa.select(found.stuck, _since_us(found.moment).label("since_us"))


def signs_by_index(source: TaskSource, dialect: sa.Dialect) -> sa.Executable:
    """Select a row (stuck, since_us) with the number of stuck tasks, and one for each status value
    that has an ended task, with the microseconds since the newest end.
    """
    stored = (value for status in ENDED for value in source.statuses[status])
    newest = newest_of_each_form if has_text_timestamps(dialect) else newest_by_index
    return sa.union_all(
        _stuck(source), *(_ended(moment) for value in stored for moment in newest(source, value))
    )


def _stuck(source: TaskSource) -> Any:
    is_stuck = instant(began_at(source)) < instant_parameter("stuck_before")
    return sa.select(
        sa.func.count().label("stuck"), sa.cast(sa.null(), sa.BigInteger).label("since_us")
    ).where(has_status(source, "processing"), is_stuck)


def _ended(newest: sa.Select[Any]) -> Any:
    return sa.select(sa.literal(0), _since_us(instant(newest.subquery().c.updated_at)))


def _is_known_end(updated_at: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return whether an end is known, and not before the time in which ends are looked for.

    One that can't be read, such as a zero date, is not. On SQLite it may be earlier by some hours.
    """
    since = second_parameter("ended_since", updated_at)
    is_since = sa.type_coerce(updated_at, since.type) >= since
    return sa.and_(is_since, sa.not_(is_unreadable(updated_at)))


def _since_us(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    end = instant_parameter("end")
    # A task that ends ahead of the clock, such as at `infinity`, has ended just now.
    return elapsed_us(sa.case((moment > end, end), else_=moment), end)


def newest_by_index(source: TaskSource, value: Any) -> list[sa.Select[Any]]:
    """Select the newest `updated_at` of a status value: one look-up in (status, updated_at)."""
    tasks = source.tasks.c
    ended = is_stored_as(source, value), _is_known_end(tasks.updated_at)
    # MySQL and MariaDB follow the index backwards if it has the whole order.
    newest_first = tasks.status.desc(), tasks.updated_at.desc()
    return [sa.select(tasks.updated_at).where(*ended).order_by(*newest_first).limit(1)]


def newest_of_each_form(source: TaskSource, value: Any) -> list[sa.Select[Any]]:
    """Select the newest `updated_at` of each form of text: one with a "T" sorts after all others of
    the same day.
    """
    [newest] = newest_by_index(source, value)
    text = sa.type_coerce(newest.scalar_subquery(), sa.String())
    with_t = sa.func.substr(text, 1, 10).concat("T")
    return [newest, newest.where(sa.type_coerce(source.tasks.c.updated_at, sa.String()) < with_t)]
