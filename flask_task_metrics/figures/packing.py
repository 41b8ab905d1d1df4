"""The latencies of few tasks on SQLite, MariaDB and MySQL: the database packs the durations into
texts, and Python sorts them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.source import TaskSource

from .durations import LATENCIES, NO_SAMPLES, durations_within, latency_stats
from .parameters import window_values
from .percentiles import BASIS_POINTS, PERCENTILES
from .predicates import IsWithin, is_in_window
from .query import Query
from .selection import SelectedLatencies
from .snapshot import Latency, LatencyStats
from .window import Window

PACKED_UP_TO = 60_000
"""Of more tasks, the database selects the percentiles. Python would hold its global lock for too
long: sorting takes it up to 40 ms.
"""

MYSQL_LONGEST_TEXT = 20 * PACKED_UP_TO
"""MySQL cuts a text at 1,024 bytes by default, MariaDB at a million."""


@dataclass(frozen=True)
class PackedLatencies:
    """The statement on a database whose few durations Python sorts; others are selected."""

    pack: sa.Executable
    otherwise: SelectedLatencies

    @classmethod
    def of(cls, source: TaskSource, is_within: IsWithin = is_in_window) -> PackedLatencies:
        """Build the statements for a source and a time span."""
        pack = packed_durations(durations_within(source, is_within))
        return cls(pack, SelectedLatencies.of(source, is_within))

    def queries(self, window: Window) -> list[Query]:
        """Return the statement as it runs for a window, and the sample's.

        Selection reads the same rows as the first one.
        """
        _, sample = self.otherwise.queries(window)
        return [self._pack_query(window), sample]

    def read(self, connection: sa.Connection, window: Window, completed: int) -> Latency:
        """Measure the latencies by sorting, or by selection if there are too many tasks for it."""
        if completed <= PACKED_UP_TO:
            row = self._pack_query(window).run(connection).mappings().one()
            if latency := unpacked_latency(row):
                return latency
        return self.otherwise.read(connection, window, completed)

    def _pack_query(self, window: Window) -> Query:
        return Query("latencies", self.pack, window_values(window))


def packed_durations(durations: sa.Select[Any]) -> sa.Select[Any]:
    """Select one row: `tasks`, and for each column of `durations` their count, their total, and
    themselves as a text such as `12,-7,30`.

    It stops at one task more than `PACKED_UP_TO`.
    """
    tasks = durations.limit(PACKED_UP_TO + 1).subquery()
    return select_packed(tasks.c).select_from(tasks)


def select_packed(durations: Iterable[sa.ColumnElement[int]]) -> sa.Select[Any]:
    """Select the columns of `packed_durations`."""
    aggregates = (
        aggregate(duration).label(f"{duration.name}_{name}")
        for duration in durations
        for name, aggregate in (
            ("count", sa.func.count),
            ("total", sa.func.sum),
            ("packed", sa.func.group_concat),
        )
    )
    longest = f"/*+ SET_VAR(group_concat_max_len = {MYSQL_LONGEST_TEXT}) */"
    packed = sa.select(sa.func.count().label("tasks"), *aggregates)
    return packed.prefix_with(longest, dialect="mysql")


def unpacked_latency(row: Mapping[Any, Any]) -> Latency | None:
    """Return the latencies from the row of `packed_durations`.

    None if there are too many tasks, or if the server's own limits cut a text.
    """
    if row["tasks"] > PACKED_UP_TO:
        return None
    durations = unpacked_durations(row)
    return None if durations is None else latency_of_durations(durations)


def unpacked_durations(row: Mapping[Any, Any]) -> dict[str, list[int]] | None:
    """Return the durations of each latency in order; None if the server's own limits cut a text."""
    unpacked = {}
    for figure in LATENCIES:
        whole = (row[f"{figure}_packed"] or "").rstrip(",-")
        durations = sorted(map(int, whole.split(","))) if whole else []
        # A text that was cut lacks durations, or the last digits of one.
        expected = row[f"{figure}_count"], row[f"{figure}_total"] or 0
        if (len(durations), sum(durations)) != expected:
            return None
        unpacked[figure] = durations
    return unpacked


def latency_of_durations(durations: Mapping[str, list[int]]) -> Latency:
    """Return the latencies of durations, which are in order."""
    return Latency(**{figure: _stats(samples_of(some)) for figure, some in durations.items()})


def samples_of(durations: list[int]) -> list[int]:
    """Return the durations, which are in order, without the negative ones."""
    return durations[bisect_left(durations, 0) :]


def ranks_of(samples: Sequence[int]) -> dict[str, int]:
    """Return the percentiles of samples, of which there is at least one, in order."""
    return {name: samples[len(samples) * of // BASIS_POINTS] for name, of in PERCENTILES.items()}


def _stats(samples: Sequence[int]) -> LatencyStats:
    if not samples:
        return NO_SAMPLES
    return latency_stats(len(samples), sum(samples), **ranks_of(samples), max=samples[-1])
