"""The latencies of each step on SQLite, MariaDB and MySQL, whatever their number: the database
counts the durations millisecond by millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import materialized
from flask_task_metrics.figures.durations import LATENCIES
from flask_task_metrics.figures.percentiles import BASIS_POINTS, PERCENTILES
from flask_task_metrics.figures.query import Query
from flask_task_metrics.source import TaskSource

from .completed import CompletedByStep, completed_by_start, durations_by_step, measured_queries
from .counts import added_up
from .steps import Steps
from .values import LatencyPercentiles


@dataclass(frozen=True)
class CountedSteps:
    """The statements on a database that counts the durations."""

    measure: sa.Executable
    count: sa.Executable

    @classmethod
    def of(cls, source: TaskSource) -> CountedSteps:
        """Build the statements for a source."""
        return cls(measure_by_counting(source), completed_by_start(source))

    def queries(self, steps: Steps) -> list[Query]:
        """Return the statements as they run for the steps of a window."""
        return measured_queries(self.measure, self.count, steps)

    def read(self, connection: sa.Connection, steps: Steps, most: int) -> CompletedByStep:
        """Read the tasks completed in each step."""
        measure, count = self.queries(steps)
        latencies = {
            (row.figure, row.number): LatencyPercentiles(
                row.p50, row.p95, row.p99, int(row.samples)
            )
            for row in measure.run(connection)
        }
        return CompletedByStep(latencies, added_up(count.run(connection)))


def measure_by_counting(source: TaskSource) -> sa.Select[Any]:
    """Select a row (number, figure, samples, p50, p95, p99) for each step and latency that has
    samples. Negative durations are no samples.
    """
    histogram = _histogram(source).c
    tasks, of = sa.func.sum(histogram.tasks), (histogram.figure, histogram.number)
    ranked = sa.select(
        histogram.figure,
        histogram.number,
        histogram.duration,
        tasks.over(partition_by=of, order_by=histogram.duration).label("up_to"),
        tasks.over(partition_by=of).label("samples"),
    )
    rank = ranked.subquery().c
    return sa.select(
        rank.number,
        sa.case(dict(enumerate(LATENCIES)), value=rank.figure).label("figure"),
        sa.func.max(rank.samples).label("samples"),
        *(
            # The least duration with more samples up to it than n * points / BASIS_POINTS.
            sa.func.min(
                sa.case((rank.up_to * BASIS_POINTS > rank.samples * points, rank.duration))
            ).label(name)
            for name, points in PERCENTILES.items()
        ),
    ).group_by(rank.figure, rank.number)


def _histogram(source: TaskSource) -> sa.Subquery:
    """Select a row (figure, number, duration, tasks) for each duration; the figure is a number."""
    rows = materialized(durations_by_step(source)).c
    numbers = (sa.select(sa.literal(number).label("n")) for number, _ in enumerate(LATENCIES))
    figure = sa.union_all(*numbers).subquery("figures").c.n
    # The join with the figures' numbers reads a task once for all figures.
    durations = (
        sa.select(
            figure.label("figure"),
            rows.number,
            sa.case(
                {number: rows[name] for number, name in enumerate(LATENCIES)}, value=figure
            ).label("duration"),
        )
        .join_from(rows.number.table, figure.table, sa.true())
        .subquery()
        .c
    )
    return (
        sa.select(*durations, sa.func.count().label("tasks"))
        .where(durations.duration >= 0)
        .group_by(*durations)
        .subquery()
    )
