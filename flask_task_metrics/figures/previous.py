"""The figures of the window before, to compare with those of the window."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from flask_task_metrics.source import ENDED, TaskSource

from .latencies import Latencies, latencies_of
from .parameters import window_values
from .predicates import has_status, is_before_end
from .query import Query
from .snapshot import PreviousFigures
from .window import Window


@dataclass(frozen=True)
class Previous:
    """The statements of the window before, and the reading of their rows."""

    count: sa.Executable
    latencies: Latencies

    @classmethod
    def of(cls, source: TaskSource, dialect: sa.Dialect) -> Previous:
        """Build the statements for a source in a database."""
        return cls(count_tasks_before(source), latencies_of(source, dialect, is_before_end))

    def queries(self, window: Window) -> list[Query]:
        """Return the statements as they run for the window before a window."""
        earlier = window.previous
        return [self._count_query(earlier), *self.latencies.queries(earlier)]

    def read(self, connection: sa.Connection, window: Window) -> PreviousFigures:
        """Read the figures of the window before a window."""
        earlier = window.previous
        tasks = self._count_query(earlier).run(connection).mappings().one()
        return PreviousFigures(
            created=tasks.get("created"),
            **{status: tasks[status] for status in ENDED},
            latency=self.latencies.read(connection, earlier, tasks["completed"]),
        )

    def _count_query(self, earlier: Window) -> Query:
        return Query("counts before", self.count, window_values(earlier))


def count_tasks_before(source: TaskSource) -> sa.Executable:
    """Select one row: `created`, if the source records it, and each status that ends a task."""
    is_updated = is_before_end(source, "updated_at")
    conditions: dict[str, sa.ColumnElement[bool]] = {
        status: sa.and_(has_status(source, status), is_updated) for status in ENDED
    }
    if source.records("created_at"):
        conditions["created"] = is_before_end(source, "created_at")
    count = _in_one_pass if source.is_derived else _by_itself
    return sa.select(*(count(condition).label(figure) for figure, condition in conditions.items()))


def _in_one_pass(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count(sa.case((condition, 1)))


def _by_itself(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.select(sa.func.count()).where(condition).scalar_subquery()
