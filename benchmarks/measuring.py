"""Timing the contenders side by side, so that the machine's noise falls on all alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Hashable, Mapping, Sequence, Sized
from typing import Any, NamedTuple, TypeVar

from .agreement import check_agreement
from .contenders import CONTENDERS
from .host import Host
from .progress import Advance
from .results import Timing

Key = TypeVar("Key", bound=Hashable)


class Case(NamedTuple):
    """One contender on a window of a table."""

    contender: str
    minutes: int
    host: Host

    def __str__(self) -> str:
        return f"{self.contender}, {self.minutes} min in {self.host.rows:,} rows"

    def read(self) -> Any:
        """Have the contender read the window."""
        return CONTENDERS[self.contender](self.host, self.minutes)


def all_contenders(host: Host, *windows: int) -> list[Case]:
    """Each contender on each window of a table."""
    return [Case(contender, minutes, host) for minutes in windows for contender in CONTENDERS]


def units(cases: Sized, rounds: int) -> int:
    """How often `measure` and `times_in_turn` advance."""
    return len(cases) * (rounds + 1)


def measure(cases: Sequence[Case], rounds: int, advance: Advance) -> list[Timing]:
    """Time each case once a round, in turn, after a round that warms up and checks that the
    contenders agree.

    Raises `BenchmarkError` where they don't.
    """
    for minutes, host in dict.fromkeys((case.minutes, case.host) for case in cases):
        check_agreement(host, minutes)
    times = times_in_turn({case: case.read for case in cases}, rounds, advance)
    return [Timing(case.contender, case.minutes, case.host.rows, ms) for case, ms in times.items()]


def times_in_turn(
    reads: Mapping[Key, Callable[[], object]], rounds: int, advance: Advance
) -> dict[Key, list[float]]:
    """How many milliseconds each of some reads takes, once a round, after a round that warms up."""
    times: dict[Key, list[float]] = {key: [] for key in reads}
    for key, read in reads.items():
        read()
        advance(f"warming up: {key}")
    keys = list(reads)
    for number in range(rounds):
        # Each round begins with another, so that none always follows the same.
        first = number % len(keys)
        for key in (*keys[first:], *keys[:first]):
            times[key].append(_time(reads[key]))
            advance(str(key))
    return times


def _time(read: Callable[[], object]) -> float:
    """How many milliseconds it takes to read something."""
    gc.collect()
    began = time.perf_counter()
    read()
    return round((time.perf_counter() - began) * 1000, 3)
