"""The figures that a benchmark is run for, and what they are to reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from .results import DatabaseResults, Timing

HOUR, DAY = 60, 24 * 60
HTTP = "request over HTTP"


@dataclass(frozen=True)
class Range:
    """What was measured: in the median, and the lowest and highest of the rounds."""

    median: float
    low: float
    high: float


Measure: TypeAlias = Callable[[DatabaseResults], Range | None]
"""Reads a figure from what was measured; None where that was not."""


@dataclass(frozen=True)
class Figure:
    """A figure, and the limit that is its goal on some databases."""

    name: str
    measure: Measure
    unit: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    at_least: bool = False

    def goal(self, database: str) -> str:
        """The goal on a database; empty where there is none."""
        if database not in self.limits:
            return ""
        return f"{'≥' if self.at_least else '≤'} {self.limits[database]:g}{self.unit}"

    def verdict(self, database: str, median: float) -> str:
        """Whether the goal on a database is met; empty where there is none."""
        if database not in self.limits:
            return ""
        limit = self.limits[database]
        is_met = median >= limit if self.at_least else median <= limit
        return "met" if is_met else "not met"


def _ratio(of: Timing | None, to: Timing | None) -> Range | None:
    """How many times as long one takes as another of the same rounds."""
    if of is None or to is None:
        return None
    by_round = [dividend / divisor for dividend, divisor in zip(of.ms, to.ms, strict=True)]
    return Range(of.median / to.median, min(by_round), max(by_round))


def _contenders(of: str, to: str, minutes: int) -> Measure:
    def measure(results: DatabaseResults) -> Range | None:
        rows = results.rows
        return _ratio(results.timing(of, minutes, rows), results.timing(to, minutes, rows))

    return measure


def _large_to_small(results: DatabaseResults) -> Range | None:
    return _ratio(
        results.timing("snapshot", HOUR, results.rows),
        results.timing("snapshot", HOUR, results.fewer_rows),
    )


def _request(results: DatabaseResults) -> Range | None:
    timing = results.timing(HTTP, HOUR, results.rows)
    return Range(timing.median, min(timing.ms), max(timing.ms)) if timing else None


def _added_memory(results: DatabaseResults) -> Range | None:
    for memory in results.memory:
        if (memory.contender, memory.minutes) == ("snapshot", DAY):
            return Range(memory.megabytes, memory.megabytes, memory.megabytes)
    return None


FIGURES = (
    Figure(
        "snapshot / scan, 24 h",
        _contenders("snapshot", "scan", DAY),
        limits={"postgresql": 3, "mariadb": 4, "mysql": 4, "sqlite": 4},
    ),
    Figure("snapshot / scan, 60 min", _contenders("snapshot", "scan", HOUR)),
    Figure(
        "row pulling / snapshot, 60 min",
        _contenders("row pulling", "snapshot", HOUR),
        limits={"postgresql": 5, "mariadb": 5, "mysql": 5, "sqlite": 5},
        at_least=True,
    ),
    Figure(
        "row pulling / snapshot, 24 h",
        _contenders("row pulling", "snapshot", DAY),
        limits={"postgresql": 5, "mariadb": 5, "mysql": 5, "sqlite": 5},
        at_least=True,
    ),
    Figure(
        "snapshot, 60 min, large / small table",
        _large_to_small,
        limits={"postgresql": 1.2, "mariadb": 1.2, "mysql": 1.2},
    ),
    Figure("request over HTTP, 60 min", _request, " ms", limits={"postgresql": 50}),
    Figure(
        "memory added by a snapshot, 24 h",
        _added_memory,
        " MB",
        limits={"postgresql": 20, "mariadb": 20, "mysql": 20, "sqlite": 20},
    ),
)
