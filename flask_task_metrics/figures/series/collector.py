"""All points of a series, collected in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import has_percentile_disc
from flask_task_metrics.figures.durations import LATENCIES, unrecorded_latencies
from flask_task_metrics.figures.query import Query
from flask_task_metrics.figures.window import Window
from flask_task_metrics.source import ENDED, TaskSource

from .completed import NO_SAMPLES, CompletedByStep, CompletedSteps
from .counts import CountsByStep, StepCounts
from .packing import PackedSteps
from .sorting import SortedSteps
from .steps import Steps
from .values import Series, SeriesPoint

COUNTS = ("created", "started", *ENDED)

RECORDED_BY = {"created": "created_at", "started": "processing_at"}
"""The timestamps that counts of a point need, if the source may lack them."""


@dataclass(frozen=True)
class SeriesCollector:
    """The statements of every figure of a series, built once for a source in a database."""

    counts: StepCounts
    completed: CompletedSteps | None
    unrecorded: frozenset[str]
    _compiled: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, source: TaskSource, dialect: sa.Dialect) -> SeriesCollector:
        """Build the statements for a source."""
        shape = SortedSteps if has_percentile_disc(dialect) else PackedSteps
        latencies = unrecorded_latencies(source)
        counts = [count for count, role in RECORDED_BY.items() if not source.records(role)]
        completed = shape.of(source) if len(latencies) < len(LATENCIES) else None
        return cls(StepCounts.of(source), completed, frozenset([*counts, *latencies]))

    def queries(self, window: Window, points: int) -> list[Query]:
        """Return every statement as it runs for a window, to look at its plan."""
        steps = Steps.of(window, points)
        completed = self.completed.queries(steps) if self.completed else []
        return [self.counts.query(steps), *completed]

    def collect(self, connection: sa.Connection, window: Window, points: int) -> Series:
        """Read all figures of a window in at most `points` steps, and one more if it begins within
        a step.
        """
        steps = Steps.of(window, points)
        # A cache of its own, so that the host's statements can't push these out, nor these them.
        connection = connection.execution_options(compiled_cache=self._compiled)
        counts = self.counts.read(connection, steps)
        completed = self._completed(connection, steps, counts)
        counts += completed.started
        return Series(window, steps.seconds, tuple(self._points(steps, counts, completed)))

    def _completed(
        self, connection: sa.Connection, steps: Steps, counts: CountsByStep
    ) -> CompletedByStep:
        if self.completed is None:
            return CompletedByStep()
        most = max(counts["completed", number] for number in range(len(steps)))
        return self.completed.read(connection, steps, most)

    def _points(
        self, steps: Steps, counts: CountsByStep, completed: CompletedByStep
    ) -> Iterator[SeriesPoint]:
        """Yield each point; a figure that is not recorded is None."""
        unrecorded: dict[str, Any] = dict.fromkeys(self.unrecorded)
        for number, at in enumerate(steps):
            figures: dict[str, Any] = {count: counts[count, number] for count in COUNTS} | {
                figure: completed.latencies.get((figure, number), NO_SAMPLES)
                for figure in LATENCIES
            }
            yield SeriesPoint(at=at, partial=steps.is_partial(at), **figures | unrecorded)
