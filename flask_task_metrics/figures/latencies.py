"""The latencies: how long the tasks completed in the window waited, ran, and took in all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import sqlalchemy as sa

from flask_task_metrics.dialects import has_percentile_disc
from flask_task_metrics.source import TaskSource

from .durations import LATENCIES, NOT_RECORDED, unrecorded_latencies
from .packing import PackedLatencies
from .predicates import IsWithin, is_in_window
from .query import Query
from .snapshot import Latency
from .sorting import SortedLatencies
from .window import Window


class Latencies(Protocol):
    """The statements of the latencies, and the reading of their rows."""

    def queries(self, window: Window) -> list[Query]:
        """Return the statements as they run for a window of few tasks."""

    def read(self, connection: sa.Connection, window: Window, completed: int) -> Latency:
        """Measure the latencies of a window in which about `completed` tasks were completed.

        The number decides how they are measured, and has no effect on the figures.
        """


@dataclass(frozen=True)
class RecordedLatencies:
    """The latencies of a source that lacks the timestamps of some."""

    latencies: Latencies
    unrecorded: list[str]

    def queries(self, window: Window) -> list[Query]:
        """Return the statements as they run for a window of few tasks, if any latency is left."""
        return self.latencies.queries(window) if self._has_any else []

    def read(self, connection: sa.Connection, window: Window, completed: int) -> Latency:
        """Measure the latencies that are recorded; the others are None."""
        if not self._has_any:
            return NOT_RECORDED
        measured = self.latencies.read(connection, window, completed)
        return replace(measured, **dict.fromkeys(self.unrecorded))

    @property
    def _has_any(self) -> bool:
        return len(self.unrecorded) < len(LATENCIES)


def latencies_of(
    source: TaskSource, dialect: sa.Dialect, is_within: IsWithin = is_in_window
) -> Latencies:
    """Build the statements for a source in a database, by default for a window."""
    form = SortedLatencies if has_percentile_disc(dialect) else PackedLatencies
    latencies: Latencies = form.of(source, is_within)
    unrecorded = unrecorded_latencies(source)
    return RecordedLatencies(latencies, unrecorded) if unrecorded else latencies
