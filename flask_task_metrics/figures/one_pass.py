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

    @property
    def moments(self) -> list[Any]:
        """Return `since` as a column `moment`, if there is one."""
        return [] if self.since is None else [instant(self.since).label("moment")]


def counted_in_one_pass(source: TaskSource, counts: Sequence[Count]) -> sa.Select[Any]:
    """Select a row (figure, tasks, age_ms, id, request_id) for each count, but none for the oldest
    task where there is none. Of equally old tasks, the one with the least id counts.
    """
    aged = [count for count in counts if count.since is not None]
    others = [count for count in counts if count.since is None]
    return sa.select(sa.union_all(_oldest(source, aged), _counted(source, others)).subquery())


def _oldest(source: TaskSource, counts: Sequence[Count]) -> sa.Select[Any]:
    tasks = source.tasks.c
    aged = tasks_of_counts_in_one_pass(source, counts, tasks.id, tasks.request_id).subquery().c
    rank = sa.func.row_number().over(partition_by=aged.figure, order_by=(aged.moment, aged.id))
    ranked = sa.select(*aged, rank.label("rank")).subquery().c
    return sa.select(
        ranked.figure,
        sa.cast(sa.null(), sa.BigInteger).label("tasks"),
        elapsed_ms(ranked.moment, instant_parameter("end")).label("age_ms"),
        ranked.id,
        ranked.request_id,
    ).where(ranked.rank == 1)


def _counted(source: TaskSource, counts: Sequence[Count]) -> sa.Select[Any]:
    columns = (sa.func.count(sa.case((count.is_met, 1))).label(count.figure) for count in counts)
    counted = sa.select(*columns).select_from(source.tasks).subquery()
    number = _numbers(counts)
    tasks = sa.case({n: counted.c[count.figure] for n, count in enumerate(counts)}, value=number)
    nothing: Any = (sa.null().label(name) for name in ("age_ms", "id", "request_id"))
    rows: sa.Select[Any] = sa.select(_figure(counts, number), tasks.label("tasks"), *nothing)
    return rows.join_from(counted, number.table, sa.true())


def tasks_of_counts_in_one_pass(
    source: TaskSource, counts: Sequence[Count], *columns: Any
) -> sa.Select[Any]:
    """Select a row (figure, the columns, moment) for each count and each task that it counts.

    `moment` is null unless the count is that of an oldest task.
    """
    number = _numbers(counts)
    counted = _counted_tasks(source, counts, *columns)
    tasks = counted.c
    is_met = sa.case({n: tasks[count.figure] for n, count in enumerate(counts)}, value=number)
    moments = {n: tasks[f"{count.figure}_since"] for n, count in _aged(counts).items()}
    moment: Any = sa.case(moments, value=number) if moments else sa.null()
    kept = (tasks[column.name] for column in columns)
    rows: sa.Select[Any] = sa.select(_figure(counts, number), *kept, moment.label("moment"))
    # The join computes a task once for all counts.
    return rows.join_from(number.table, counted, is_met == 1)


def _numbers(counts: Sequence[Count]) -> Any:
    """Return a column with the number of each count."""
    numbers = (sa.select(sa.literal(n).label("n")) for n, _ in enumerate(counts))
    return sa.union_all(*numbers).subquery("figures").c.n


def _figure(counts: Sequence[Count], number: Any) -> sa.Label[str]:
    names = {n: count.figure for n, count in enumerate(counts)}
    return sa.case(names, value=number).label("figure")


def _counted_tasks(source: TaskSource, counts: Sequence[Count], *columns: Any) -> sa.Subquery:
    """Select the columns of the tasks of any count, with a 1 for every count that a task is in, and
    its timestamps `FIGURE_since`.
    """
    marks: Any = (sa.case((count.is_met, 1), else_=0).label(count.figure) for count in counts)
    # A timestamp that can't be read is an error only in the tasks whose age is asked for.
    moments: Any = (
        sa.case((count.is_met, instant(count.since))).label(f"{count.figure}_since")
        for count in _aged(counts).values()
    )
    marked = materialized(sa.select(*columns, *marks, *moments)).c
    is_counted = sa.or_(*(marked[count.figure] == 1 for count in counts))
    return sa.select(*marked).where(is_counted).subquery()


def _aged(counts: Sequence[Count]) -> dict[int, Any]:
    """Return the counts of an oldest task, by their numbers."""
    return {number: count for number, count in enumerate(counts) if count.since is not None}
