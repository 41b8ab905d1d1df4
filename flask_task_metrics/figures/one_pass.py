"""The counts of a derived source, in one pass over its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import elapsed_ms, instant, materialized
from flask_task_metrics.source import TaskSource

from .parameters import instant_parameter


@dataclass(frozen=True)
class Count:
    """The tasks that meet all conditions, or only the oldest of them.

    `since` is the timestamp that the age of the oldest counts from; None to count the tasks.
    """

    figure: str
    conditions: Sequence[sa.ColumnElement[bool]]
    since: sa.ColumnElement[Any] | None = None

    @property
    def is_met(self) -> sa.ColumnElement[bool]:
        """Return whether a task counts; one without a timestamp is never the oldest."""
        has_age = () if self.since is None else (self.since.is_not(None),)
        return sa.and_(*self.conditions, *has_age)


def counted_in_one_pass(source: TaskSource, counts: Sequence[Count]) -> sa.Select[Any]:
    """Select a row (figure, tasks, age_ms, id, request_id) for each count, but none for the oldest
    task where there is none. Of equally old tasks, the one with the least id counts.
    """
    numbers = sa.union_all(*(sa.select(sa.literal(n).label("n")) for n, _ in enumerate(counts)))
    number = numbers.subquery("figures").c.n
    tasks = _counted_tasks(source, counts)
    moments = {n: tasks[f"{count.figure}_since"] for n, count in _aged(counts).items()}
    moment: Any = sa.case(moments, value=number)
    is_met = sa.case({n: tasks[count.figure] for n, count in enumerate(counts)}, value=number)
    rank = sa.func.row_number().over(partition_by=number, order_by=(moment, tasks.id))
    ranked = (
        sa.select(
            number.label("number"),
            sa.func.count(is_met).over(partition_by=number).label("tasks"),
            moment.label("moment"),
            tasks.id,
            tasks.request_id,
            rank.label("rank"),
        )
        # The join computes a task once for all counts.
        .join_from(number.table, tasks.id.table, is_met == 1, isouter=True)
        .subquery()
        .c
    )
    names = {n: count.figure for n, count in enumerate(counts)}
    return sa.select(
        sa.case(names, value=ranked.number).label("figure"),
        ranked.tasks,
        elapsed_ms(ranked.moment, instant_parameter("end")).label("age_ms"),
        ranked.id,
        ranked.request_id,
    ).where(
        ranked.rank == 1,
        sa.or_(ranked.number.not_in(list(moments)), ranked.moment.is_not(None)),
    )


def _counted_tasks(source: TaskSource, counts: Sequence[Count]) -> Any:
    """Select the tasks of any count, each with a 1 for every count that it is in, and its
    timestamps `FIGURE_since`.
    """
    tasks = source.tasks.c
    marks: Any = (sa.case((count.is_met, 1), else_=0).label(count.figure) for count in counts)
    # A timestamp that can't be read is an error only in the tasks whose age is asked for.
    moments: Any = (
        sa.case((count.is_met, instant(count.since))).label(f"{count.figure}_since")
        for count in _aged(counts).values()
    )
    marked = materialized(sa.select(tasks.id, tasks.request_id, *marks, *moments)).c
    is_counted = sa.or_(*(marked[count.figure] == 1 for count in counts))
    return sa.select(*marked).where(is_counted).subquery().c


def _aged(counts: Sequence[Count]) -> dict[int, Any]:
    """Return the counts of an oldest task, by their numbers."""
    return {number: count for number, count in enumerate(counts) if count.since is not None}
