"""The latencies of each step on SQLite, MariaDB and MySQL, whatever their number: the database
counts the durations millisecond by millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from flask_task_metrics.figures.histogram import counted_ranks
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
        return cls(counted_ranks(durations_by_step(source)), completed_by_start(source))

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
