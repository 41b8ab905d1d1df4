"""All figures of a snapshot, collected in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.source import ErrorCodeOf, TaskSource

from .counts import Counts
from .errors import Errors
from .latencies import Latencies, latencies_of
from .previous import Previous
from .progress import Progress
from .query import Query
from .snapshot import Backlog, Snapshot, State
from .state import Limits, reason_of, state_of
from .window import Window


@dataclass(frozen=True)
class Collector:
    """The statements of every figure, built once for a source in a database."""

    counts: Counts
    progress: Progress | None
    latencies: Latencies
    errors: Errors | None
    previous: Previous
    _compiled: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(
        cls, source: TaskSource, dialect: sa.Dialect, error_code_of: ErrorCodeOf | None = None
    ) -> Collector:
        """Build the statements; `error_code_of` is the host's function from a message to a code."""
        return cls(
            Counts.of(source),
            Progress.of(source, dialect),
            latencies_of(source, dialect),
            Errors.of(source, error_code_of),
            Previous.of(source, dialect),
        )

    def queries(self, window: Window) -> list[Query]:
        """Return every statement as it runs for a window, to look at its plan."""
        figures = (self.counts, self.progress, self.latencies, self.errors)
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
        # A cache of its own, so that the host's statements can't push these out, nor these them.
        connection = connection.execution_options(compiled_cache=self._compiled)
        tasks, backlog = self.counts.read(connection, window)
        state, reason = self.judged(connection, window, backlog, limits)
        return Snapshot(
            window=window,
            state=state,
            reason=reason,
            tasks=tasks,
            backlog=backlog,
            latency=self.latencies.read(connection, window, tasks.completed),
            top_errors=(
                self.errors.read(connection, window, top_errors, compare=compare)[None]
                if self.errors
                else None
            ),
            previous=self.previous.read(connection, window) if compare else None,
        )

    def judged(
        self, connection: sa.Connection, window: Window, backlog: Backlog, limits: Limits
    ) -> tuple[State | None, str | None]:
        """Return the state and its reason."""
        if self.progress is None:
            return None, None
        signs = self.progress.read(connection, window, limits)
        return state_of(backlog, signs, limits), reason_of(backlog, signs, limits)
