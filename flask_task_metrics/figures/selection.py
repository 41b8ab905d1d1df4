"""The latencies of many tasks on a database without `percentile_disc`: selection by a sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.source import TaskSource

from .durations import LATENCIES, durations_within, latency_of
from .parameters import window_values
from .percentiles import (
    BOUNDS,
    NO_GAPS,
    PERCENTILES,
    SAMPLED_FROM,
    Gaps,
    close_gaps,
    gap_values,
    gaps_between,
    sampled_one_in,
    selected_ranks,
)
from .predicates import IsWithin, is_in_window
from .query import Query
from .samples import sample_latencies, sample_values
from .snapshot import Latency
from .window import Window

WITHOUT_GAPS: dict[str, Gaps] = dict.fromkeys(LATENCIES, NO_GAPS)
"""All durations are counted one by one."""


@dataclass(frozen=True)
class SelectedLatencies:
    """The statements on a database that selects percentiles by a sample."""

    measure: sa.Executable
    sample: sa.Executable

    @classmethod
    def of(cls, source: TaskSource, is_within: IsWithin = is_in_window) -> SelectedLatencies:
        """Build the statements for a source and a time span."""
        return cls(measure_by_selection(source, is_within), sample_latencies(source))

    def queries(self, window: Window) -> list[Query]:
        """Return the statements as they run for a window, the sample's at its smallest size."""
        return [
            self._measure_query(window, WITHOUT_GAPS),
            self._sample_query(window, SAMPLED_FROM),
        ]

    def read(self, connection: sa.Connection, window: Window, completed: int) -> Latency:
        """Measure the latencies by a sample; the number of tasks decides its size."""
        gaps = self._gaps(connection, window, completed)
        measured = self._measured(connection, window, gaps)
        # The rest of the gaps are as far from the ranks as before, so one more pass is enough.
        if (narrower := _without_found(gaps, measured)) != gaps:
            measured = self._measured(connection, window, narrower)
        return latency_of(measured.values())

    def _gaps(self, connection: sa.Connection, window: Window, completed: int) -> dict[str, Gaps]:
        if sampled_one_in(completed) == 1:
            return WITHOUT_GAPS
        rows = self._sample_query(window, completed).run(connection).mappings()
        return WITHOUT_GAPS | {
            row["figure"]: gaps_between([row[name] for name in BOUNDS]) for row in rows
        }

    def _measured(
        self, connection: sa.Connection, window: Window, gaps: Mapping[str, Gaps]
    ) -> dict[str, Any]:
        return {row.figure: row for row in self._measure_query(window, gaps).run(connection)}

    def _measure_query(self, window: Window, gaps: Mapping[str, Gaps]) -> Query:
        return Query("latencies", self.measure, window_values(window) | gap_values(gaps))

    def _sample_query(self, window: Window, completed: int) -> Query:
        wanted = sample_values(window, completed) | gap_values(WITHOUT_GAPS)
        return Query("latency samples", self.sample, wanted)


def measure_by_selection(source: TaskSource, is_within: IsWithin) -> sa.Select[Any]:
    """Select the rows of `measure_by_sorting` on any database; a latency without samples has none.

    Its parameters are the gaps, whose durations it counts in bulk.
    """
    return selected_ranks(durations_within(source, is_within), PERCENTILES)


def _without_found(gaps: Mapping[str, Gaps], measured: Mapping[str, Any]) -> dict[str, Gaps]:
    """Close the gaps that contain a percentile or a maximum."""
    found = {
        figure: close_gaps(gaps[figure], (row.p50, row.p95, row.p99, row.max))
        for figure, row in measured.items()
    }
    return {**gaps, **found}
