"""The latencies of each step on PostgreSQL, which sorts all durations."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from flask_task_metrics.dialects import sorted_ranks_of_groups
from flask_task_metrics.figures.durations import LATENCIES
from flask_task_metrics.figures.percentiles import FRACTIONS, PERCENTILES
from flask_task_metrics.figures.query import Query
from flask_task_metrics.source import TaskSource

from .completed import CompletedByStep, completed_by_start, durations_by_step, measured_queries
from .counts import added_up
from .steps import Steps
from .values import LatencyPercentiles


@dataclass(frozen=True)
class SortedSteps:
    """The statements on a database that sorts all durations."""

    measure: sa.Executable
    count: sa.Executable

    @classmethod
    def of(cls, source: TaskSource) -> SortedSteps:
        """Build the statements for a source."""
        measure = sorted_ranks_of_groups(durations_by_step(source), FRACTIONS)
        return cls(measure, completed_by_start(source))

    def queries(self, steps: Steps) -> list[Query]:
        """Return the statements as they run for the steps of a window."""
        return measured_queries(self.measure, self.count, steps)

    def read(self, connection: sa.Connection, steps: Steps, most: int) -> CompletedByStep:
        """Read the tasks completed in each step."""
        measure, count = self.queries(steps)
        latencies = {
            (figure, row["number"]): LatencyPercentiles(
                **dict(zip(PERCENTILES, row[f"{figure}_ranks"][:-1], strict=True)),
                samples=row[f"{figure}_samples"],
            )
            for row in measure.run(connection).mappings()
            for figure in LATENCIES
            if row[f"{figure}_samples"]
        }
        return CompletedByStep(latencies, added_up(count.run(connection)))
