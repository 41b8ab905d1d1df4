"""The leading error codes: how often each struck, when last, and a task to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.dialects import MICROSECOND
from flask_task_metrics.exceptions import TaskMetricsError
from flask_task_metrics.source import ErrorCodeOf, TaskSource, error_code

from .failures import count_failures, count_failures_with_newest, newest_failures
from .grouping import Grouping, Place
from .parameters import values, window_values
from .predicates import is_before_end
from .query import Query
from .snapshot import ErrorCount, TaskReference, task_reference
from .tally import Key, Tally, add_up, leading_tallies
from .window import Window

ErrorsByPlace: TypeAlias = Mapping[Place, tuple[ErrorCount, ...]]


@dataclass(frozen=True)
class Errors:
    """The statements of `topErrors`, and the reading of their rows.

    `count_to_compare` finds the oldest failures too, and `count_before` does so in the window
    before. `sample` is None if the rows of the counts have the newest failures. `error_code_of` is
    the host's own function from a message to its code.
    """

    count: sa.Executable
    count_to_compare: sa.Executable
    count_before: sa.Executable
    sample: sa.Executable | None
    error_code_of: ErrorCodeOf | None

    @classmethod
    def of(
        cls,
        source: TaskSource,
        error_code_of: ErrorCodeOf | None,
        grouping: Grouping | None = None,
    ) -> Errors | None:
        """Build the statements for a source, or for its groups; None if it records no errors."""
        if not (source.records("error_message") or source.records("error_code")):
            return None
        by = [grouping.place] if grouping else []
        count_before = count_failures(source, is_before_end, with_oldest=True, by=by)
        if source.is_derived and not grouping:
            count = count_failures_with_newest(source)
            return cls(count, count, count_before, None, error_code_of)
        return cls(
            count_failures(source, by=by),
            count_failures(source, with_oldest=True, by=by),
            count_before,
            newest_failures(source, by),
            error_code_of,
        )

    def queries(self, window: Window) -> list[Query]:
        """Return the statements as they run for a window; the sample's for one at its start."""
        count = self._count_query(window, self.count)
        if self.sample is None:
            return [count]
        return [count, self._sample_query(window, self.sample, [window.start])]

    def query_before(self, window: Window) -> Query:
        """Return the statement that counts in the window before a window."""
        return Query("errors before", self.count_before, window_values(window.previous))

    def read(
        self, connection: sa.Connection, window: Window, top: int, *, compare: bool = False
    ) -> ErrorsByPlace:
        """Count a window's failures by code, and sample the `top` most frequent codes: of all
        tasks, and of each group.

        With `compare`, count these codes in the window before, too.
        """
        statement = self.count_to_compare if compare else self.count
        leading = self._leading(connection, self._count_query(window, statement), top)
        newest = {key: _moment(window, found.newest_us) for key, found in leading.items()}
        samples = (
            {key: task_reference(*found.newest[1:]) for key, found in leading.items()}
            if self.sample is None
            else self._samples(connection, window, self.sample, newest)
        )
        earlier = self._among(connection, self.query_before(window), leading) if compare else {}
        errors: dict[Place, tuple[ErrorCount, ...]] = defaultdict(tuple)
        for key, found in leading.items():
            place, code = key
            error = ErrorCount(code, found.count, _second(newest[key]), samples[key])
            if compare:
                error = _compared(error, window, found, earlier.get(key))
            errors[place] += (error,)
        return errors

    def _count_query(self, window: Window, statement: sa.Executable) -> Query:
        return Query("errors", statement, window_values(window))

    def _sample_query(
        self, window: Window, statement: sa.Executable, moments: Iterable[datetime]
    ) -> Query:
        moments = sorted(set(moments))
        since = moments[0].replace(microsecond=0)
        wanted = values(updated_at_since=since, moments=moments)
        return Query("error samples", statement, window_values(window) | wanted)

    def _leading(self, connection: sa.Connection, query: Query, top: int) -> dict[Key, Tally]:
        """Count failures by code, and return the `top` most frequent codes of all and each group.

        Only one group is in memory at a time, beside all tasks together.
        """
        leading: dict[Key, Tally] = {}
        in_all: defaultdict[str, Tally] = defaultdict(Tally)
        with query.stream(connection) as rows:
            for by, of_group in groupby(rows, key=self._group_of):
                failures = defaultdict(Tally) if by else in_all
                for own_code, message, tasks, oldest_us, newest_us, *more in of_group:
                    code = error_code(own_code, message, self.error_code_of)
                    failures[code].add(tasks, oldest_us, newest_us, more[len(by) :])
                for place in by:
                    leading |= leading_tallies(place, failures, top)
                    add_up(in_all, failures)
        return leading | leading_tallies(None, in_all, top)

    def _group_of(self, row: Any) -> tuple[Place, ...]:
        """Return the place of a row's group, unless its last columns are of the newest failure."""
        place: tuple[Place, ...] = row[5:]
        return () if self.sample is None else place

    def _among(
        self, connection: sa.Connection, query: Query, keys: Collection[Key]
    ) -> dict[Key, Tally]:
        """Count the failures with some codes alone."""
        failures: defaultdict[Key, Tally] = defaultdict(Tally)
        with query.stream(connection) as rows:
            for own_code, message, tasks, oldest_us, newest_us, *by in rows:
                code = error_code(own_code, message, self.error_code_of)
                for key in ((place, code) for place in (*by, None)):
                    if key in keys:
                        failures[key].add(tasks, oldest_us, newest_us)
        return failures

    def _samples(
        self,
        connection: sa.Connection,
        window: Window,
        statement: sa.Executable,
        newest: Mapping[Key, datetime],
    ) -> dict[Key, TaskReference]:
        """Return the newest failure of each code, given its moment."""
        samples: dict[Key, TaskReference] = {}
        if not newest:
            return samples
        with self._sample_query(window, statement, newest.values()).stream(connection) as rows:
            for own_code, message, task_id, request_id, *by in rows:
                code = error_code(own_code, message, self.error_code_of)
                for key in ((place, code) for place in (*by, None)):
                    if key in newest:
                        samples.setdefault(key, task_reference(task_id, request_id))
                if len(samples) == len(newest):
                    return samples
        missing = next(key[1] for key in newest if key not in samples)
        raise TaskMetricsError(
            f"no task has the error code {missing!r} any more; error_code_of must return the same "
            "code for the same message"
        )


def _compared(error: ErrorCount, window: Window, now: Tally, before: Tally | None) -> ErrorCount:
    """Add to an error of a window its figures of the window before."""
    if before is None:
        first = _moment(window, now.oldest_us)
        return replace(error, previous_count=0, first_seen_at=_second(first))
    first = _moment(window.previous, before.oldest_us)
    return replace(error, previous_count=before.count, first_seen_at=_second(first))


def _moment(window: Window, us: int) -> datetime:
    return window.start + us * MICROSECOND


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
