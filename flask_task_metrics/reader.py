"""`Reader`: the one way to a snapshot, for HTTP, Python and the command line."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any, TypeAlias, TypeVar

import sqlalchemy as sa

from .config import Settings
from .connections import Connector, open_connection, read_only_transaction, read_transaction
from .deadline import Deadline
from .exceptions import (
    InvalidWindowError,
    MetricsError,
    MetricsTimeout,
    MetricsUnavailable,
    UnknownComparisonError,
    UnreadableTimestampError,
)
from .figures import (
    MOST_POINTS,
    Limits,
    Series,
    Snapshot,
    Statements,
    UnreadableTimestamps,
    Window,
    with_filter,
)
from .source import ErrorCodeOf, Filter, TaskSource
from .turns import Turns

Answer = TypeVar("Answer")

Read: TypeAlias = Callable[[sa.Connection, Window], Answer]
"""The reading of one form of the figures, such as a snapshot, in a read-only transaction."""

COMPARISONS = ("previous",)
"""The windows that a snapshot can be compared with."""


def current_time() -> datetime:
    """Return the current UTC time."""
    return datetime.now(timezone.utc)


class Reader:
    """Read the snapshots of one source from one engine, by statements that are built once.

    The readers of an app share its `Turns`, and those of one engine its `Connector`.
    """

    def __init__(
        self,
        source: TaskSource,
        connector: Connector,
        turns: Turns,
        settings: Settings,
        *,
        error_code_of: ErrorCodeOf | None = None,
        clock: Callable[[], datetime] = current_time,
    ) -> None:
        self.source = source
        self.engine = connector.engine
        self._settings = settings
        self._unreadable = UnreadableTimestamps.of(source)
        self._statements = Statements(source, self.engine.dialect, error_code_of)
        self._connector = connector
        self._turns = turns
        self._clock = clock

    def snapshot(
        self,
        minutes: int,
        now: datetime | None = None,
        *,
        where: Mapping[str, Any] | None = None,
        group_by: str | None = None,
        compare: str | None = None,
        deadline: Deadline | None = None,
    ) -> Snapshot:
        """Read all figures of the last `minutes` before `now`, by default the current time, of the
        tasks whose dimensions have the values of `where`.

        `group_by` names a dimension, to add the figures of its groups. `compare` may be `previous`,
        to add the figures of the window before. The `deadline` is by default
        TASK_METRICS_TIMEOUT_MS from now. Callers who ask for the same share one computation until
        it begins to read.

        Raises `InvalidWindowError` for minutes that are not 1 to TASK_METRICS_MAX_MINUTES and for a
        `now` without a time zone, `InvalidFilterError` for another dimension or value,
        `UnknownComparisonError` for another `compare`, and the errors of `Turns.share` and
        `open_connection`.
        """
        if compare not in (None, *COMPARISONS):
            expected = ", ".join(map(repr, COMPARISONS))
            raise UnknownComparisonError(f"compare is {compare!r}; it must be {expected} or None")
        settings = self._settings
        limits = Limits(settings.stalled_seconds, settings.stuck_seconds)
        chosen = self.source.filter_of(where)
        dimension = None if group_by is None else self.source.dimension(group_by)
        read = partial(
            self._statements.snapshot(chosen.shape, dimension).collect,
            top_errors=settings.top_errors,
            limits=limits,
            compare=compare is not None,
        )
        windows = 1 if compare is None else 2
        form = ("snapshot", group_by, compare)
        return self._share(form, minutes, now, chosen, read, deadline=deadline, windows=windows)

    def series(
        self,
        minutes: int,
        points: int,
        now: datetime | None = None,
        *,
        where: Mapping[str, Any] | None = None,
    ) -> Series:
        """Read the course of the last `minutes` before `now` in at most `points` steps of time, and
        one more if they begin within a step; see `snapshot`.

        Raises `InvalidWindowError` for points that are not 1 to 500, and the errors of `snapshot`.
        """
        if type(points) is not int or not 1 <= points <= MOST_POINTS:
            raise InvalidWindowError(
                f"points is {points!r}; it must be a whole number, 1 to {MOST_POINTS}"
            )
        chosen = self.source.filter_of(where)
        read = partial(self._statements.series(chosen.shape).collect, points=points)
        return self._share(("series", points), minutes, now, chosen, read)

    def _share(
        self,
        form: Hashable,
        minutes: int,
        now: datetime | None,
        chosen: Filter,
        read: Read[Answer],
        *,
        deadline: Deadline | None = None,
        windows: int = 1,
    ) -> Answer:
        """Share one computation of a form of the figures with all who ask for the same.

        `windows` is 2 if it reads the window before, too.
        """
        most = self._settings.max_minutes
        if type(minutes) is not int or not 1 <= minutes <= most:
            raise InvalidWindowError(
                f"minutes is {minutes!r}; it must be a whole number, 1 to {most}"
            )
        deadline = deadline or Deadline.in_ms(self._settings.timeout_ms)
        filtering = _filtering(chosen, read)
        compute = partial(self._compute, minutes, now, deadline, filtering, windows)
        return self._turns.share((self, form, minutes, now, chosen), deadline, compute)

    def _compute(
        self,
        minutes: int,
        now: datetime | None,
        deadline: Deadline,
        read: Read[Answer],
        windows: int,
        begin_reading: Callable[[], None],
    ) -> Answer:
        try:
            with open_connection(self._connector, deadline) as connection:
                begin_reading()
                window = Window.ending(now or self._clock(), minutes)
                with read_only_transaction(connection, deadline):
                    return read(connection, window)
        # Python's datetime overflows after the year 9999.
        except (MetricsError, OverflowError) as error:
            window = Window.ending(now or self._clock(), windows * minutes)
            if found := self._unreadable_timestamps(window, deadline):
                raise UnreadableTimestampError(found) from error.__cause__ or error
            raise

    def _unreadable_timestamps(self, window: Window, deadline: Deadline) -> str | None:
        """Name the columns with unreadable timestamps; None if that fails too, since the first
        error is the one to answer.
        """
        try:
            with read_transaction(self._connector, deadline) as connection:
                return self._unreadable.read(connection, window)
        except (MetricsError, MetricsTimeout, MetricsUnavailable):
            return None


def _filtering(chosen: Filter, read: Read[Answer]) -> Read[Answer]:
    """Return a reading whose queries get the values of a filter."""

    def read_filtered(connection: sa.Connection, window: Window) -> Answer:
        return read(with_filter(connection, chosen), window)

    return read_filtered
