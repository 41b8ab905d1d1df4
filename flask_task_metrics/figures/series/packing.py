"""The latencies of each step on SQLite, MariaDB and MySQL: the database packs the durations of a
step into texts, and Python sorts them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.figures.durations import LATENCIES
from flask_task_metrics.figures.packing import (
    PACKED_UP_TO,
    ranks_of,
    samples_of,
    select_packed,
    unpacked_durations,
)
from flask_task_metrics.figures.query import Query
from flask_task_metrics.source import TaskSource

from .completed import CompletedByStep, durations_by_step
from .counts import CountsByStep
from .histogram import CountedSteps
from .numbers import step_values
from .steps import Steps
from .values import LatencyPercentiles

PACKED_IN_ALL = 2_000_000
"""So many tasks take SQLite 50 MB if all of them were completed in one step."""


@dataclass(frozen=True)
class PackedSteps:
    """The statement on a database whose steps Python sorts; if one has too many tasks, the database
    counts.
    """

    pack: sa.Executable
    otherwise: CountedSteps

    @classmethod
    def of(cls, source: TaskSource) -> PackedSteps:
        """Build the statements for a source."""
        return cls(packed_by_step(source), CountedSteps.of(source))

    def queries(self, steps: Steps) -> list[Query]:
        """Return the statement as it runs for the steps of a window; counting reads the same."""
        return [Query("latencies by step", self.pack, step_values(steps))]

    def read(self, connection: sa.Connection, steps: Steps, most: int) -> CompletedByStep:
        """Read the tasks completed in each step by sorting, or by counting if they are many."""
        if most <= PACKED_UP_TO:
            [query] = self.queries(steps)
            # The steps are fetched one by one, so only one of them is in memory.
            with query.stream(connection) as rows:
                if completed := unpacked_steps(rows):
                    return completed
        return self.otherwise.read(connection, steps, most)


def packed_by_step(source: TaskSource) -> sa.Select[Any]:
    """Select a row for the tasks that were completed in one step and started in one: the step's
    `number`, the number of the one in which they `started`, and the columns of `packed_durations`.

    It stops at one task more than `PACKED_IN_ALL`.
    """
    tasks = durations_by_step(source, with_start=True).limit(PACKED_IN_ALL + 1).subquery()
    number, started, *durations = tasks.c
    packed = select_packed(durations).add_columns(number, started)
    return packed.group_by(number, started).order_by(number, started)


def unpacked_steps(rows: Iterable[Any]) -> CompletedByStep | None:
    """Return the completed tasks from the rows of `packed_by_step`.

    None if there are too many tasks, or if the server's own limits cut a text.
    """
    completed = CompletedByStep()
    in_all = 0
    for number, of_step in groupby(rows, key=attrgetter("number")):
        step = _Step()
        for row in of_step:
            if not step.add(row) or in_all + step.tasks > PACKED_IN_ALL:
                return None
        in_all += step.tasks
        completed.started += step.started
        completed.latencies |= {
            (figure, number): percentiles for figure, percentiles in step.latencies()
        }
    return completed


class _Step:
    """The tasks completed in one step."""

    def __init__(self) -> None:
        self.tasks = 0
        self.started: CountsByStep = Counter()
        self._durations: dict[str, list[int]] = {figure: [] for figure in LATENCIES}

    def add(self, row: Any) -> bool:
        """Add the tasks of a row; return whether they are not too many, and its texts whole."""
        self.tasks += row.tasks
        if self.tasks > PACKED_UP_TO:
            return False
        if row.started is not None:
            self.started["started", row.started] += row.tasks
        durations = unpacked_durations(row._mapping)  # noqa: SLF001 - SQLAlchemy's own name
        if durations is None:
            return False
        for figure, some in durations.items():
            self._durations[figure] += some
        return True

    def latencies(self) -> Iterator[tuple[str, LatencyPercentiles]]:
        """Yield the percentiles of each latency that has samples."""
        for figure, durations in self._durations.items():
            if samples := samples_of(sorted(durations)):
                yield figure, LatencyPercentiles(**ranks_of(samples), samples=len(samples))
