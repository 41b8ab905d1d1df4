"""All figures of a snapshot, collected in one transaction."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property, partial
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.source import ErrorCodeOf, TaskSource

from .batch import Batch
from .counts import Counts
from .errors import Errors
from .latencies import Latencies, latencies_of
from .previous import Previous
from .progress import Progress
from .query import Query
from .relevant import relevant_tasks
from .snapshot import Backlog, ErrorCount, Snapshot, State
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
    is_derived: bool
    _compiled: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(
        cls, source: TaskSource, dialect: sa.Dialect, error_code_of: ErrorCodeOf | None = None
    ) -> Collector:
        """Build the statements; `error_code_of` is the host's function from a message to a code."""
        relevant = relevant_tasks(source)
        return cls(
            Counts.of(relevant),
            Progress.of(source, dialect, relevant),
            latencies_of(relevant, dialect),
            Errors.of(relevant, error_code_of),
            Previous.of(source, dialect),
            source.is_derived,
        )

    def queries(self, window: Window) -> list[Query]:
        """Return every statement as it runs for a window, to look at its plan."""
        if self.is_derived:
            return [self._batch.query(self._first_queries(window))]
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
        with self._answering(connection, window, limits):
            read_errors = partial(self._errors, connection, window, top_errors, compare=compare)
            # A batch streams the rows of the errors, and runs nothing else until they are read.
            errors = read_errors() if self.is_derived else None
            tasks, backlog = self.counts.read(connection, window)
            state, reason = self.judged(connection, window, backlog, limits)
            return Snapshot(
                window=window,
                state=state,
                reason=reason,
                tasks=tasks,
                backlog=backlog,
                latency=self.latencies.read(connection, window, tasks.completed),
                top_errors=errors if self.is_derived else read_errors(),
                previous=self.previous.read(connection, window) if compare else None,
            )

    def _errors(
        self, connection: sa.Connection, window: Window, top: int, *, compare: bool
    ) -> tuple[ErrorCount, ...] | None:
        if self.errors is None:
            return None
        return self.errors.read(connection, window, top, compare=compare)[None]

    def judged(
        self, connection: sa.Connection, window: Window, backlog: Backlog, limits: Limits
    ) -> tuple[State | None, str | None]:
        """Return the state and its reason."""
        if self.progress is None:
            return None, None
        signs = self.progress.read(connection, window, limits)
        return state_of(backlog, signs, limits), reason_of(backlog, signs, limits)

    def _answering(
        self, connection: sa.Connection, window: Window, limits: Limits
    ) -> AbstractContextManager[None]:
        """Answer the first queries by one statement, if the source is derived."""
        if not self.is_derived:
            return nullcontext()
        return self._batch.answering(connection, self._first_queries(window, limits))

    @cached_property
    def _batch(self) -> Batch:
        """Return the statement that answers the first queries."""
        any_window = Window.ending(datetime.now(timezone.utc), minutes=1)
        return Batch.of(self._first_queries(any_window))

    def _first_queries(self, window: Window, limits: Limits | None = None) -> list[Query]:
        """Return the first query of each figure; whether others run depends on the answers."""
        queries = (
            self.counts.queries(window),
            self.progress.queries(window, limits) if self.progress else (),
            self.latencies.queries(window),
            self.errors.queries(window) if self.errors else (),
        )
        return [first for first, *_ in filter(None, queries)]
