"""What was measured, on which machine, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from .machine import Machine


@dataclass(frozen=True)
class Timing:
    """How long one contender took for a window of a table, round by round, in milliseconds."""

    contender: str
    minutes: int
    rows: int
    ms: Sequence[float]

    @property
    def median(self) -> float:
        """The time of the round in the middle."""
        return median(self.ms)

    @property
    def p95(self) -> float:
        """The time that 95 % of the rounds did not exceed, by nearest rank."""
        return sorted(self.ms)[len(self.ms) * 95 // 100]


@dataclass(frozen=True)
class Memory:
    """What one contender added to the peak resident memory of a process."""

    contender: str
    minutes: int
    rows: int
    megabytes: float


@dataclass(frozen=True)
class Throughput:
    """How many tasks a second were written, round by round, into a table with or without the
    recommended indexes.
    """

    operation: str
    indexed: bool
    per_second: Sequence[float]

    @property
    def median(self) -> float:
        """The throughput of the round in the middle."""
        return median(self.per_second)


@dataclass(frozen=True)
class DatabaseResults:
    """All that was measured on one database."""

    database: str
    version: str
    timings: Sequence[Timing] = ()
    memory: Sequence[Memory] = ()
    writes: Sequence[Throughput] = ()

    @property
    def rows(self) -> int:
        """The size of the largest table that was read."""
        return max(timing.rows for timing in self.timings)

    @property
    def fewer_rows(self) -> int:
        """The size of the smallest."""
        return min(timing.rows for timing in self.timings)

    def timing(self, contender: str, minutes: int, rows: int) -> Timing | None:
        """The timing of a contender for a window of a table; None where it was not measured."""
        wanted = (contender, minutes, rows)
        for timing in self.timings:
            if wanted == (timing.contender, timing.minutes, timing.rows):
                return timing
        return None


@dataclass(frozen=True)
class Results:
    """One run of the benchmark."""

    date: str
    machine: Machine
    databases: Sequence[DatabaseResults]

    def write(self, path: Path) -> None:
        """Write all as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what `write` wrote."""
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            date=values["date"],
            machine=Machine(**values["machine"]),
            databases=[_database(database) for database in values["databases"]],
        )


def _database(values: dict[str, Any]) -> DatabaseResults:
    return DatabaseResults(
        values["database"],
        values["version"],
        [Timing(**timing) for timing in values["timings"]],
        [Memory(**memory) for memory in values["memory"]],
        [Throughput(**throughput) for throughput in values["writes"]],
    )
