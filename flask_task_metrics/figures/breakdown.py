"""A snapshot of all tasks and of each group of them, collected in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

import sqlalchemy as sa

from flask_task_metrics.source import Dimension, ErrorCodeOf

from .collector import Collector
from .durations import has_samples
from .errors import Errors
from .group_counts import CountsByGroup, GroupCounts
from .group_latencies import LatenciesByGroup
from .grouping import REST, Grouping, Place, places_of
from .query import Query, with_values
from .snapshot import Backlog, ErrorCount, Group, Latency, OtherGroups, Snapshot, TaskCounts
from .state import Limits
from .window import Window


class Figures(TypedDict):
    """The figures that all tasks and each group have."""

    tasks: TaskCounts
    backlog: Backlog
    latency: Latency
    top_errors: tuple[ErrorCount, ...] | None


@dataclass(frozen=True)
class FiguresByPlace:
    """The figures of each group, of the others together, and of all tasks. `errors` is None if the
    source records none.
    """

    counts: GroupCounts
    latencies: Mapping[Place, Latency]
    errors: Mapping[Place, tuple[ErrorCount, ...]] | None

    def at(self, place: Place) -> Figures:
        """Return the figures of a place."""
        tasks, backlog = self.counts.by_place[place]
        return {
            "tasks": tasks,
            "backlog": backlog,
            "latency": self.latencies[place],
            "top_errors": None if self.errors is None else self.errors.get(place, ()),
        }

    def groups(self, dimension: str) -> tuple[Group, ...]:
        """Return the first groups in the order of their rank."""
        return tuple(
            Group(dimension, value, **self.at(place))
            for place, value in enumerate(self.counts.values, 1)
        )

    def others(self) -> OtherGroups | None:
        """Return the others together, or None if there are none."""
        rest = OtherGroups(**self.at(REST))
        # A task that was last updated before the window may have latencies in it, but no counts.
        has_more = self.counts.groups > len(self.counts.values)
        return rest if has_more or has_samples(rest.latency) else None


@dataclass(frozen=True)
class Breakdown:
    """The statements of every figure by the values of a dimension, built once for a source.

    The figures of all tasks come from the same rows. `ungrouped` reads what groups don't have.
    """

    dimension: Dimension
    ungrouped: Collector
    counts: CountsByGroup
    latencies: LatenciesByGroup
    errors: Errors | None
    _compiled: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        grouping: Grouping,
        ungrouped: Collector,
        dialect: sa.Dialect,
        error_code_of: ErrorCodeOf | None = None,
    ) -> Breakdown:
        """Build the statements of a grouping of the tasks that `ungrouped` is about.

        `error_code_of` is the host's function from a message to a code.
        """
        return cls(
            grouping.dimension,
            ungrouped,
            CountsByGroup.of(grouping),
            LatenciesByGroup.of(grouping, dialect, ungrouped.latencies),
            Errors.of(grouping.source, error_code_of, grouping),
        )

    def queries(self, window: Window) -> list[Query]:
        """Return every statement as it runs for a window, to look at its plan.

        Those of groups need the values of `places_of`.
        """
        figures = (self.counts, self.latencies, self.errors)
        return [query for figure in figures if figure for query in figure.queries(window)]

    def collect(
        self,
        connection: sa.Connection,
        window: Window,
        *,
        top_errors: int,
        limits: Limits,
        compare: bool = False,
    ) -> Snapshot:
        """Read all figures of a window; `compare` adds those of the window before."""
        connection = connection.execution_options(compiled_cache=self._compiled)
        found = self._read(connection, window, top_errors, compare)
        state, reason = self.ungrouped.judged(connection, window, found.at(None)["backlog"], limits)
        return Snapshot(
            window=window,
            state=state,
            reason=reason,
            **found.at(None),
            previous=self.ungrouped.previous.read(connection, window) if compare else None,
            groups=found.groups(self.dimension.name),
            other_groups=found.others(),
            group_count=found.counts.groups,
        )

    def _read(
        self, connection: sa.Connection, window: Window, top_errors: int, compare: bool
    ) -> FiguresByPlace:
        counts = self.counts.read(connection, window)
        connection = with_values(connection, places_of(counts.values))
        in_all, _ = counts.by_place[None]
        return FiguresByPlace(
            counts,
            self.latencies.read(connection, window, in_all.completed),
            (
                self.errors.read(connection, window, top_errors, compare=compare)
                if self.errors
                else None
            ),
        )
