"""The latencies on PostgreSQL, which sorts all durations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import sorted_ranks
from flask_task_metrics.source import TaskSource

from .durations import durations_within, latency_of
from .parameters import window_values
from .percentiles import FRACTIONS
from .predicates import IsWithin, is_in_window
from .query import Query
from .snapshot import Latency
from .window import Window

SIDE_BY_SIDE_FROM = 150_000
"""From this number of durations on, sorting each latency in a process of its own saves time."""


@dataclass(frozen=True)
class SortedLatencies:
    """The statements on a database that sorts all durations: two shapes of the same rows."""

    in_one_pass: sa.Executable
    side_by_side: sa.Executable

    @classmethod
    def of(cls, source: TaskSource, is_within: IsWithin = is_in_window) -> SortedLatencies:
        """Build the statements for a source and a time span."""
        in_one_pass = measure_by_sorting(source, is_within, in_one_pass=True)
        if source.is_derived:
            # A CTE is read by one process.
            return cls(in_one_pass, in_one_pass)
        return cls(in_one_pass, measure_by_sorting(source, is_within, in_one_pass=False))

    def queries(self, window: Window) -> list[Query]:
        """Return the statement of one pass; the other reads the same rows."""
        return [Query("latencies", self.in_one_pass, window_values(window))]

    def read(self, connection: sa.Connection, window: Window, completed: int) -> Latency:
        """Measure the latencies in the shape that is faster for this number of tasks."""
        statement = self.in_one_pass if completed < SIDE_BY_SIDE_FROM else self.side_by_side
        return latency_of(Query("latencies", statement, window_values(window)).run(connection))


def measure_by_sorting(
    source: TaskSource, is_within: IsWithin, *, in_one_pass: bool
) -> sa.Select[Any]:
    """Select a row (figure, samples, total, p50, p95, p99, max) for each latency, in milliseconds,
    on a database with `percentile_disc`.
    """
    return sorted_ranks(durations_within(source, is_within), FRACTIONS, in_one_pass=in_one_pass)
