"""A snapshot of all tasks and of each group of them, collected in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict

import sqlalchemy as sa

from flask_task_metrics.source import Dimension, ErrorCodeOf

from .collector import Collector
from .durations import has_samples
from .errors import Errors
from .group_counts import CountsByGroup
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
        counted = self.counts.read(connection, window)
        connection = with_values(connection, places_of(counted.values))
        in_all, backlog = counted.by_place[None]
        latencies = self.latencies.read(connection, window, in_all.completed)
        errors = (
            self.errors.read(connection, window, top_errors, compare=compare)
            if self.errors
            else None
        )

        def figures(place: Place) -> Figures:
            tasks, backlog = counted.by_place[place]
            return {
                "tasks": tasks,
                "backlog": backlog,
                "latency": latencies[place],
                "top_errors": None if errors is None else errors.get(place, ()),
            }

        rest = OtherGroups(**figures(REST))
        # A task that was last updated before the window may have latencies in it, but no counts.
        has_rest = counted.groups > len(counted.values) or has_samples(rest.latency)
        state, reason = self.ungrouped.judged(connection, window, backlog, limits)
        return Snapshot(
            window=window,
            state=state,
            reason=reason,
            **figures(None),
            previous=self.ungrouped.previous.read(connection, window) if compare else None,
            groups=tuple(
                Group(self.dimension.name, value, **figures(place))
                for place, value in enumerate(counted.values, 1)
            ),
            other_groups=rest if has_rest else None,
            group_count=counted.groups,
        )
