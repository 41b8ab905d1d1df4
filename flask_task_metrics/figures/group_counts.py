"""The counts of each group: the groups with the most tasks one by one, the rest together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.dialects import elapsed_ms
from flask_task_metrics.source import TaskSource

from .counts import counted_figures, tasks_and_backlog
from .grouping import MOST_GROUPS, REST, Grouping, Place, places_of
from .one_pass import Count, tasks_of_counts_in_one_pass
from .parameters import instant_parameter, window_values
from .query import Query
from .snapshot import Backlog, TaskCounts
from .window import Window

RANKED_BY = ("created", "failed", "backlog_queued", "backlog_processing", "backlog_scheduled")
"""Groups with the most of these come first: one that gets no more work may be the broken one."""

Counted: TypeAlias = tuple[TaskCounts, Backlog]


@dataclass(frozen=True)
class GroupCounts:
    """The values of the first groups in the order of their rank, the counts by place, and the
    number of all values.
    """

    values: Sequence[Any]
    by_place: Mapping[Place, Counted]
    groups: int


@dataclass(frozen=True)
class CountsByGroup:
    """The statements of the counts, and the reading of their rows."""

    count: sa.Executable
    oldest: sa.Executable
    figures: Sequence[str]

    @classmethod
    def of(cls, grouping: Grouping) -> CountsByGroup:
        """Build the statements for a grouping."""
        counts = counted_figures(grouping.source)
        counted = [count for count in counts if count.since is None]
        aged = [count for count in counts if count.since is not None]
        figures = [count.figure for count in counted]
        return cls(count_groups(grouping, counted), oldest_of_groups(grouping, aged), figures)

    def queries(self, window: Window) -> list[Query]:
        """Return the statements as they run for a window, the second one for no group."""
        return [Query("groups", self.count, window_values(window)), self._oldest(window, [])]

    def read(self, connection: sa.Connection, window: Window) -> GroupCounts:
        """Count the tasks of each group."""
        [query, _] = self.queries(window)
        rows = query.run(connection).mappings().all()
        first = [_plain(row["value"]) for row in rows if row["place"] != REST]
        none = dict.fromkeys(self.figures, 0)
        tasks: dict[Place, Counter[str]] = {None: Counter(none), REST: Counter(none)}
        for row in rows:
            counted = {figure: int(row[figure]) for figure in self.figures}
            tasks[row["place"]] = Counter(counted)
            tasks[None].update(counted)
        oldest: dict[Place, dict[str, Any]] = defaultdict(dict)
        for old in self._oldest(window, first).run(connection):
            oldest[old.place][old.figure] = old
            oldest[None].setdefault(old.figure, old)
        return GroupCounts(
            first,
            {place: tasks_and_backlog(counted, oldest[place]) for place, counted in tasks.items()},
            sum(row["groups"] for row in rows),
        )

    def _oldest(self, window: Window, first: Sequence[Any]) -> Query:
        wanted = {**window_values(window), **places_of(first)}
        return Query("oldest of groups", self.oldest, wanted)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: drivers give a sum of integers as a `Decimal`."""
    return int(value) if isinstance(value, Decimal) else value


def count_groups(grouping: Grouping, counts: Sequence[Count]) -> sa.Select[Any]:
    """Select a row (place, value, groups, each figure) for each of the first groups by rank, and
    for all others together.
    """
    found = _counted_groups(grouping, counts).c
    figures = [found[count.figure] for count in counts]
    score: Any = sum((figure for figure in figures if figure.name in RANKED_BY), sa.literal(0))
    is_too_long = sa.case((grouping.is_nameable(found.value), 0), else_=1)
    is_null = sa.case((found.value.is_(None), 1), else_=0)
    rank = sa.func.row_number().over(order_by=(is_too_long, score.desc(), is_null, found.value))
    is_first = sa.and_(rank <= MOST_GROUPS, is_too_long == 0)
    placed: Any = sa.select(
        sa.case((is_first, rank), else_=REST).label("place"),
        sa.case((is_first, found.value)).label("value"),
        *figures,
    )
    place, value, *figures = placed.subquery().c
    sums = (sa.func.sum(figure).label(figure.name) for figure in figures)
    rows = sa.select(place, value, sa.func.count().label("groups"), *sums)
    return rows.group_by(place, value).order_by(place)


def _counted_groups(grouping: Grouping, counts: Sequence[Count]) -> sa.Subquery:
    """Select a row (value, each figure) for each group."""
    tasks = _tasks_of_counts(grouping.source, counts, grouping.value.label("value"))
    counted = sa.union_all(*(_by_group(grouping, part.subquery().c) for part in tasks))
    rows = counted.subquery().c
    sums = (
        sa.func.sum(sa.case((rows.figure == count.figure, rows.tasks), else_=0)).label(count.figure)
        for count in counts
    )
    groups = sa.select(grouping.value_of_group(rows.value), *sums)
    return groups.group_by(grouping.key_of(rows.value)).subquery("found")


def _by_group(grouping: Grouping, tasks: Any) -> sa.Select[Any]:
    """Count (figure, value, tasks) by figure and group."""
    return sa.select(
        tasks.figure, grouping.value_of_group(tasks.value), sa.func.count().label("tasks")
    ).group_by(tasks.figure, grouping.key_of(tasks.value))


def oldest_of_groups(grouping: Grouping, counts: Sequence[Count]) -> sa.Executable:
    """Select a row (figure, place, age_ms, id, request_id) for the oldest task of each group's
    backlogs, the oldest of all first.
    """
    tasks = grouping.source.tasks.c
    columns = (grouping.place, tasks.id, tasks.request_id)
    aged = sa.union_all(*_tasks_of_counts(grouping.source, counts, *columns)).subquery().c
    oldest_first = (aged.moment, aged.id)
    rank = sa.func.row_number().over(partition_by=(aged.figure, aged.place), order_by=oldest_first)
    ranked = sa.select(*aged, rank.label("rank")).subquery().c
    age: Any = elapsed_ms(ranked.moment, instant_parameter("end"))
    rows = sa.select(ranked.figure, ranked.place, age.label("age_ms"), ranked.id, ranked.request_id)
    return rows.where(ranked.rank == 1).order_by(ranked.moment, ranked.id)


def _tasks_of_counts(
    source: TaskSource, counts: Sequence[Count], *columns: Any
) -> list[sa.Select[Any]]:
    """Select rows (figure, the columns, moment) for each count and each task that it counts.

    `moment` is when the age of the task began, if the counts are those of the oldest.
    """
    if source.is_derived:
        return [tasks_of_counts_in_one_pass(source, counts, *columns)]
    return [
        sa.select(sa.literal(count.figure).label("figure"), *columns, *count.moments).where(
            count.is_met
        )
        for count in counts
    ]
