"""One computation for all who ask for the same at the same time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Generic, NoReturn, TypeVar

Argument = TypeVar("Argument", bound=Hashable)
Answer = TypeVar("Answer")


class SingleFlight(Generic[Argument, Answer]):
    """A function that is called once for all threads which ask for the same argument before the
    answer is there; they get the same answer, or the same exception.

    Nothing is kept: whoever asks after that has it called anew. The function must not ask for the
    argument that it has, since it would wait for itself.
    """

    def __init__(self, function: Callable[[Argument], Answer]) -> None:
        self._function = function
        self._flights: dict[Argument, Future[Callable[[], Answer]]] = {}
        self._lock = Lock()

    def __call__(self, argument: Argument) -> Answer:
        """Call the function, or wait for whoever already does."""
        mine: Future[Callable[[], Answer]] = Future()
        try:
            with self._lock:
                flight = self._flights.setdefault(argument, mine)
            if flight is mine:
                self._fly(argument, mine)
        finally:
            # To some purpose only where something ends this thread, a shutdown or a killed
            # greenlet, which is none of the others' business: one of them goes on.
            self._land(argument, mine)
            mine.cancel()
        try:
            outcome = flight.result()
        except CancelledError:
            outcome = partial(self, argument)
        return outcome()

    def _fly(self, argument: Argument, flight: Future[Callable[[], Answer]]) -> None:
        outcome: Callable[[], Answer]
        try:
            outcome = partial(_return, self._function(argument))
        except Exception as error:  # noqa: BLE001 - it is raised in all threads that wait for it
            outcome = partial(_raise, error, error.__traceback__)
        # Before there is an outcome, so that nobody gets one who asked after it.
        self._land(argument, flight)
        flight.set_result(outcome)

    def _land(self, argument: Argument, flight: Future[Callable[[], Answer]]) -> None:
        with self._lock:
            if self._flights.get(argument) is flight:
                del self._flights[argument]


def _return(answer: Answer) -> Answer:
    return answer


def _raise(error: Exception, traceback: TracebackType | None) -> NoReturn:
    # Each thread that raises it would else lengthen what the others show.
    raise error.with_traceback(traceback)
