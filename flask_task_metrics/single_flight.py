"""One computation for all who ask for the same at the same time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from threading import Lock
from typing import Generic, TypeVar

Argument = TypeVar("Argument", bound=Hashable)
Answer = TypeVar("Answer")


class SingleFlight(Generic[Argument, Answer]):
    """A function that is called once for all threads which ask for the same argument before the
    answer is there; they get the same answer, or the same exception.

    Nothing is kept: whoever asks after that has it called anew.
    """

    def __init__(self, function: Callable[[Argument], Answer]) -> None:
        self._function = function
        self._flights: dict[Argument, Future[Answer]] = {}
        self._lock = Lock()

    def __call__(self, argument: Argument) -> Answer:
        """Call the function, or wait for whoever already does."""
        with self._lock:
            is_first = argument not in self._flights
            flight = self._flights.setdefault(argument, Future())
        if is_first:
            return self._fly(argument)
        try:
            return flight.result()
        except CancelledError:
            return self(argument)

    def _fly(self, argument: Argument) -> Answer:
        try:
            answer = self._function(argument)
        except Exception as error:
            self._land(argument).set_exception(error)
            raise
        except BaseException:
            # What ends this thread (a shutdown, a killed greenlet) is none of the others' business.
            self._land(argument).cancel()
            raise
        self._land(argument).set_result(answer)
        return answer

    def _land(self, argument: Argument) -> Future[Answer]:
        # Before there is an outcome, so that nobody gets one who asked after it.
        with self._lock:
            return self._flights.pop(argument)
