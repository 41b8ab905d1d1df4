"""Timing the contenders side by side, so that the machine's noise falls on all alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from typing import NamedTuple

from .agreement import check_agreement
from .contenders import CONTENDERS
from .host import Host
from .progress import Advance
from .results import Timing


class Case(NamedTuple):
    """One contender on a window of a table."""

    contender: str
    minutes: int
    host: Host

    def __str__(self) -> str:
        return f"{self.contender}, {self.minutes} min in {self.host.rows:,} rows"


def all_contenders(host: Host, *windows: int) -> list[Case]:
    """Each contender on each window of a table."""
    return [Case(contender, minutes, host) for minutes in windows for contender in CONTENDERS]


def units(cases: Sequence[Case], rounds: int) -> int:
    """How often `measure` advances."""
    return len(cases) * (rounds + 1)


def measure(cases: Sequence[Case], rounds: int, advance: Advance) -> list[Timing]:
    """Time each case once a round, in turn, after a round that warms up and checks that the
    contenders agree.

    Raises `BenchmarkError` where they don't.
    """
    for minutes, host in dict.fromkeys((case.minutes, case.host) for case in cases):
        check_agreement(host, minutes)
    times: dict[Case, list[float]] = {case: [] for case in cases}
    for case in cases:
        _time(case)
        advance(f"warming up: {case}")
    for number in range(rounds):
        # Each round begins with another, so that none always follows the same.
        first = number % len(cases)
        for case in (*cases[first:], *cases[:first]):
            times[case].append(_time(case))
            advance(str(case))
    return [Timing(case.contender, case.minutes, case.host.rows, ms) for case, ms in times.items()]


def _time(case: Case) -> float:
    """How many milliseconds a case takes."""
    read = CONTENDERS[case.contender]
    gc.collect()
    began = time.perf_counter()
    read(case.host, case.minutes)
    return round((time.perf_counter() - began) * 1000, 3)
