"""The latencies of each group, and of all tasks together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.dialects import has_percentile_disc, sorted_ranks_of_groups

from .durations import (
    LATENCIES,
    NO_SAMPLES,
    NOT_RECORDED,
    completed_instants,
    durations_between,
    latency_of,
    latency_stats,
    unrecorded_latencies,
)
from .grouping import Grouping, Place
from .histogram import counted_ranks
from .latencies import Latencies
from .packing import PACKED_UP_TO, latency_of_durations, select_packed, unpacked_durations
from .parameters import window_values
from .percentiles import FRACTIONS
from .predicates import is_in_window
from .query import Query
from .snapshot import Latency, LatencyStats
from .window import Window

LatencyByPlace: TypeAlias = Mapping[Place, Latency]


class MeasuredGroups(Protocol):
    """The statements of the latencies of groups, and the reading of their rows."""

    def queries(self, window: Window) -> list[Query]:
        """Return the statement as it runs for a window of few tasks."""

    def read(self, connection: sa.Connection, window: Window, completed: int) -> LatencyByPlace:
        """Measure the latencies of the groups that have any, and of all tasks together.

        The number of completed tasks decides how they are measured, and has no effect on them.
        """


@dataclass(frozen=True)
class SortedGroups:
    """The statement on a database that sorts all durations."""

    measure: sa.Executable

    def queries(self, window: Window) -> list[Query]:
        """Return the statement as it runs for a window."""
        return [Query("latencies of groups", self.measure, window_values(window))]

    def read(self, connection: sa.Connection, window: Window, completed: int) -> LatencyByPlace:
        """Measure the latencies."""
        [query] = self.queries(window)
        rows = query.run(connection).mappings()
        return {row["place"]: _latency_of_ranks(row) for row in rows}


@dataclass(frozen=True)
class PackedGroups:
    """The statements on a database whose few durations Python sorts, and that counts many.

    `ungrouped` measures all tasks together if they are many.
    """

    pack: sa.Executable
    count: sa.Executable
    ungrouped: Latencies

    def queries(self, window: Window) -> list[Query]:
        """Return the statement as it runs for a window; counting reads the same rows."""
        return [self._query(self.pack, window)]

    def read(self, connection: sa.Connection, window: Window, completed: int) -> LatencyByPlace:
        """Measure the latencies by sorting, or by counting if there are too many tasks for it."""
        if completed <= PACKED_UP_TO:
            rows = self._query(self.pack, window).run(connection).mappings().all()
            if latencies := _unpacked(rows):
                return latencies
        counted = defaultdict(list)
        for row in self._query(self.count, window).run(connection):
            counted[row.place].append(row)
        of_groups = {place: latency_of(rows) for place, rows in counted.items()}
        return of_groups | {None: self.ungrouped.read(connection, window, completed)}

    def _query(self, statement: sa.Executable, window: Window) -> Query:
        return Query("latencies of groups", statement, window_values(window))


@dataclass(frozen=True)
class LatenciesByGroup:
    """The latencies that a source records, of each group and of all tasks together."""

    groups: MeasuredGroups
    unrecorded: list[str]

    @classmethod
    def of(cls, grouping: Grouping, dialect: sa.Dialect, ungrouped: Latencies) -> LatenciesByGroup:
        """Build the statements for a grouping; `ungrouped` are the latencies of its source."""
        durations = durations_by_place(grouping)
        groups: MeasuredGroups = (
            SortedGroups(sorted_ranks_of_groups(durations, FRACTIONS, with_whole=True))
            if has_percentile_disc(dialect)
            else PackedGroups(packed_by_place(durations), counted_ranks(durations), ungrouped)
        )
        return cls(groups, unrecorded_latencies(grouping.source))

    def queries(self, window: Window) -> list[Query]:
        """Return the statement as it runs for a window of few tasks, if any latency is recorded."""
        return self.groups.queries(window) if self._has_any else []

    def read(self, connection: sa.Connection, window: Window, completed: int) -> LatencyByPlace:
        """Measure the latencies that are recorded; the others are None."""
        if not self._has_any:
            return defaultdict(lambda: NOT_RECORDED)
        missing = dict.fromkeys(self.unrecorded)
        measured = self.groups.read(connection, window, completed)
        latencies = {place: replace(found, **missing) for place, found in measured.items()}
        return defaultdict(lambda: replace(latency_of(()), **missing), latencies)

    @property
    def _has_any(self) -> bool:
        return len(self.unrecorded) < len(LATENCIES)


def durations_by_place(grouping: Grouping) -> sa.Select[Any]:
    """Select the place of each task that was completed in the window, and its latencies."""
    is_completed = is_in_window(grouping.source, "completed_at")
    at = completed_instants(grouping.source, is_completed, grouping.place)
    return sa.select(at["place"], *durations_between(at))


def packed_by_place(durations: sa.Select[Any]) -> sa.Select[Any]:
    """Select a row for each place, and the columns of `packed_durations`.

    It stops at one task more than `PACKED_UP_TO`.
    """
    place, *columns = durations.limit(PACKED_UP_TO + 1).subquery().c
    return select_packed(columns).add_columns(place).group_by(place)


def _unpacked(rows: Sequence[Mapping[Any, Any]]) -> LatencyByPlace | None:
    """Return the latencies of the rows of `packed_by_place`.

    None if there are too many tasks, or if the server's own limits cut a text.
    """
    complete = [found for row in rows if (found := unpacked_durations(row)) is not None]
    if len(complete) < len(rows) or sum(row["tasks"] for row in rows) > PACKED_UP_TO:
        return None
    latencies: dict[Place, Latency] = {}
    in_all: dict[str, list[int]] = {figure: [] for figure in LATENCIES}
    for row, durations in zip(rows, complete, strict=True):
        latencies[row["place"]] = latency_of_durations(durations)
        for figure, some in durations.items():
            in_all[figure] += some
    in_order = {figure: sorted(durations) for figure, durations in in_all.items()}
    return latencies | {None: latency_of_durations(in_order)}


def _latency_of_ranks(row: Mapping[Any, Any]) -> Latency:
    """Return the latencies of a row of `sorted_ranks_of_groups`."""
    return Latency(**{figure: _stats_of_ranks(row, figure) for figure in LATENCIES})


def _stats_of_ranks(row: Mapping[Any, Any], figure: str) -> LatencyStats:
    samples = row[f"{figure}_samples"]
    if samples == 0:
        return NO_SAMPLES
    ranks = dict(zip((*FRACTIONS, "max"), row[f"{figure}_ranks"], strict=True))
    return latency_stats(samples, int(row[f"{figure}_total"]), **ranks)
