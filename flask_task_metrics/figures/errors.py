"""The leading error codes: how often each struck, when last, and a task to look at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import nsmallest

import sqlalchemy as sa

from flask_task_metrics.dialects import MICROSECOND
from flask_task_metrics.exceptions import TaskMetricsError
from flask_task_metrics.source import ErrorCodeOf, TaskSource, error_code

from .failures import count_failures, newest_failures
from .parameters import values, window_values
from .predicates import is_before_end
from .query import Query
from .snapshot import ErrorCount, TaskReference, task_reference
from .window import Window


@dataclass(frozen=True)
class Errors:
    """The statements of `topErrors`, and the reading of their rows.

    `count_to_compare` finds the oldest failures too, and `count_before` does so in the window
    before. `error_code_of` is the host's own function from a message to its code.
    """

    count: sa.Executable
    count_to_compare: sa.Executable
    count_before: sa.Executable
    sample: sa.Executable
    error_code_of: ErrorCodeOf | None

    @classmethod
    def of(cls, source: TaskSource, error_code_of: ErrorCodeOf | None) -> Errors | None:
        """Build the statements for a source; None if it records no errors."""
        if not (source.records("error_message") or source.records("error_code")):
            return None
        return cls(
            count_failures(source),
            count_failures(source, with_oldest=True),
            count_failures(source, is_before_end, with_oldest=True),
            newest_failures(source),
            error_code_of,
        )

    def queries(self, window: Window) -> list[Query]:
        """Return the statements as they run for a window; the sample's for one at its start."""
        return [self._count_query(window, self.count), self._sample_query(window, [window.start])]

    def query_before(self, window: Window) -> Query:
        """Return the statement that counts in the window before a window."""
        return Query("errors before", self.count_before, window_values(window.previous))

    def read(
        self, connection: sa.Connection, window: Window, top: int, *, compare: bool = False
    ) -> tuple[ErrorCount, ...]:
        """Count a window's failures by code, and sample the `top` most frequent codes.

        With `compare`, count these codes in the window before, too.
        """
        statement = self.count_to_compare if compare else self.count
        failures = self._by_code(connection, self._count_query(window, statement))
        leading = nsmallest(top, failures.items(), key=lambda item: (-item[1].count, item[0]))
        newest = {code: _moment(window, found.newest_us) for code, found in leading}
        samples = self._samples(connection, window, newest)
        errors = tuple(
            ErrorCount(code, found.count, newest[code].replace(microsecond=0), samples[code])
            for code, found in leading
        )
        return self._compared(connection, window, errors, failures) if compare else errors

    def _compared(
        self,
        connection: sa.Connection,
        window: Window,
        errors: Collection[ErrorCount],
        failures: Mapping[str, _Failures],
    ) -> tuple[ErrorCount, ...]:
        codes = {error.code for error in errors}
        earlier = self._by_code(connection, self.query_before(window), among=codes)

        def compared(error: ErrorCount) -> ErrorCount:
            before = earlier.get(error.code)
            first = (
                _moment(window.previous, before.oldest_us)
                if before
                else _moment(window, failures[error.code].oldest_us)
            )
            return replace(
                error,
                previous_count=before.count if before else 0,
                first_seen_at=first.replace(microsecond=0),
            )

        return tuple(map(compared, errors))

    def _count_query(self, window: Window, statement: sa.Executable) -> Query:
        return Query("errors", statement, window_values(window))

    def _sample_query(self, window: Window, moments: Iterable[datetime]) -> Query:
        moments = sorted(set(moments))
        since = moments[0].replace(microsecond=0)
        wanted = values(updated_at_since=since, moments=moments)
        return Query("error samples", self.sample, window_values(window) | wanted)

    def _by_code(
        self, connection: sa.Connection, query: Query, among: Collection[str] | None = None
    ) -> dict[str, _Failures]:
        """Count failures by code, by default of all codes."""
        failures: dict[str, _Failures] = {}
        with query.stream(connection) as rows:
            for own_code, message, tasks, oldest_us, newest_us in rows:
                code = error_code(own_code, message, self.error_code_of)
                if among is None or code in among:
                    failures.setdefault(code, _Failures(oldest_us)).add(tasks, oldest_us, newest_us)
        return failures

    def _samples(
        self, connection: sa.Connection, window: Window, newest: Mapping[str, datetime]
    ) -> dict[str, TaskReference]:
        """Return the newest failure of each code, given its moment."""
        samples: dict[str, TaskReference] = {}
        if not newest:
            return samples
        with self._sample_query(window, newest.values()).stream(connection) as rows:
            for own_code, message, task_id, request_id in rows:
                code = error_code(own_code, message, self.error_code_of)
                if code in newest and code not in samples:
                    samples[code] = task_reference(task_id, request_id)
                    if len(samples) == len(newest):
                        return samples
        missing = next(code for code in newest if code not in samples)
        raise TaskMetricsError(
            f"no task has the error code {missing!r} any more; error_code_of must return the same "
            "code for the same message"
        )


def _moment(window: Window, us: int) -> datetime:
    return window.start + us * MICROSECOND


class _Failures:
    """How often one code struck, and when first and last: microseconds after a window's start."""

    __slots__ = ("count", "newest_us", "oldest_us")

    def __init__(self, oldest_us: int) -> None:
        self.count = self.newest_us = 0
        self.oldest_us = oldest_us

    def add(self, tasks: int, oldest_us: int, newest_us: int) -> None:
        """Count the tasks of one message."""
        self.count += tasks
        self.oldest_us = min(self.oldest_us, oldest_us)
        self.newest_us = max(self.newest_us, newest_us)
