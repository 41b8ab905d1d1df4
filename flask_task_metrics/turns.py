"""Turns: few computations at a time, and one for all who ask for the same before it reads."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from threading import Condition
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

from .deadline import Deadline
from .exceptions import MetricsBusy, MetricsTimeout, MetricsUnavailable

Answer = TypeVar("Answer")

Compute: TypeAlias = Callable[[Callable[[], None]], Answer]
"""A computation. It calls its argument once it has a connection, before it reads."""

WAITING_PLACES = 4
"""Callers that may wait, for each turn."""

WORTH_ANOTHER_TRY_SECONDS = 1.0
"""A caller with more time left tries again, and does not share the error of another's deadline."""


class _Phase(Enum):
    WAITING = auto()
    CONNECTING = auto()
    READING = auto()
    DONE = auto()
    KILLED = auto()
    """The thread or greenlet that ran the computation ended in the middle."""


DEADLINE_ERRORS: dict[_Phase, type[MetricsBusy | MetricsUnavailable | MetricsTimeout]] = {
    _Phase.WAITING: MetricsBusy,
    _Phase.CONNECTING: MetricsUnavailable,
    _Phase.READING: MetricsTimeout,
}
"""The error of a caller whose deadline strikes in a phase."""


@dataclass(eq=False)
class _Flight:
    """One computation. `deadline` is its runner's; `waiting` counts all who wait for it."""

    phase: _Phase = _Phase.WAITING
    deadline: Deadline | None = None
    waiting: int = 0
    answer: Any = None
    error: Exception | None = None
    traceback: TracebackType | None = None

    @property
    def is_over(self) -> bool:
        return self.phase in (_Phase.DONE, _Phase.KILLED)

    def run(self, compute: Compute[Any], begin_reading: Callable[[], None]) -> None:
        """Keep the answer of a computation, or its error."""
        try:
            self.answer = compute(begin_reading)
        except Exception as error:  # noqa: BLE001 - raised again for every caller
            self.error, self.traceback = error, error.__traceback__

    def result(self) -> Any:
        """Return the answer, or raise the error."""
        if self.error is None:
            return self.answer
        # Without this, each thread that raises the error would lengthen the others' traceback.
        raise self.error.with_traceback(self.traceback)

    @property
    def is_late(self) -> bool:
        return self.deadline is not None and self.deadline.is_past


class Turns:
    """At most `max_concurrent` computations at a time, each for all callers with the same key.

    Callers share a computation only until it begins to read, so each sees whatever was committed
    before it asked. Nobody waits beyond their own deadline.
    """

    def __init__(self, max_concurrent: int) -> None:
        self._most = max_concurrent
        self._running = 0
        self._waiting = 0
        # The flights that have not begun to read, in the order in which they get a turn.
        self._open: dict[Hashable, _Flight] = {}
        self._changed = Condition()

    def share(self, key: Hashable, deadline: Deadline, compute: Compute[Answer]) -> Answer:
        """Return the answer of a computation, or raise its error.

        Raises `MetricsBusy` if too many wait already or if no turn comes before the deadline, and
        `MetricsUnavailable` or `MetricsTimeout` if the deadline strikes while another caller's
        computation connects or reads. The computation must not ask for a turn itself.
        """
        with self._changed:
            flight = self._board(key, deadline)
        if flight.phase is _Phase.CONNECTING:
            self._run(key, flight, compute)
        answer: Answer = flight.result()
        return answer

    def _board(self, key: Hashable, deadline: Deadline) -> _Flight:
        """Wait until another caller has run the flight, or until this one may: it is CONNECTING."""
        flight = self._flight(key)
        if not self._is_next(flight):
            self._wait(key, flight, deadline)
        if flight.phase is _Phase.WAITING:
            flight.phase, flight.deadline = _Phase.CONNECTING, deadline
            self._running += 1
            # Another turn may be free, for those who were woken before this one.
            self._changed.notify_all()
            return flight
        return self._board(key, deadline) if _is_worth_another_try(flight, deadline) else flight

    def _flight(self, key: Hashable) -> _Flight:
        flight = self._open.get(key)
        if flight is None or flight.is_late:
            flight = self._open[key] = _Flight()
        return flight

    def _is_next(self, flight: _Flight) -> bool:
        waiting = (other for other in self._open.values() if other.phase is _Phase.WAITING)
        return self._running < self._most and next(waiting, None) is flight

    def _wait(self, key: Hashable, flight: _Flight, deadline: Deadline) -> None:
        came = False
        self._waiting += 1
        flight.waiting += 1
        try:
            if self._waiting > WAITING_PLACES * self._most:
                raise MetricsBusy
            came = self._changed.wait_for(
                lambda: flight.is_over or self._is_next(flight), deadline.left()
            )
        finally:
            self._waiting -= 1
            flight.waiting -= 1
            if not (came or flight.waiting) and flight.phase is _Phase.WAITING:
                self._close(key, flight)
        if not came:
            raise DEADLINE_ERRORS[flight.phase]

    def _run(self, key: Hashable, flight: _Flight, compute: Compute[Any]) -> None:
        ended = _Phase.KILLED
        try:
            flight.run(compute, partial(self._begin_reading, key, flight))
            ended = _Phase.DONE
        finally:
            with self._changed:
                flight.phase = ended
                self._running -= 1
                self._close(key, flight)

    def _begin_reading(self, key: Hashable, flight: _Flight) -> None:
        with self._changed:
            flight.phase = _Phase.READING
            self._close(key, flight)

    def _close(self, key: Hashable, flight: _Flight) -> None:
        """Let nobody join a flight any more."""
        if self._open.get(key) is flight:
            del self._open[key]
        self._changed.notify_all()


def _is_worth_another_try(flight: _Flight, deadline: Deadline) -> bool:
    """Return whether the flight's thread was killed, or failed at a much earlier deadline."""
    left = deadline.left()
    has_time = left is None or left > WORTH_ANOTHER_TRY_SECONDS
    failed_late = flight.error is not None and flight.is_late
    return flight.phase is _Phase.KILLED or (failed_late and has_time)
