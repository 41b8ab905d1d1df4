"""What is measured on a database, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from . import measuring, writes
from .exceptions import BenchmarkError
from .goals import DAY, HOUR
from .host import Host
from .loading import check_loaded
from .machine import database_and_version
from .measuring import Case, all_contenders
from .memory import measure_memory
from .partitions import measure_partitions, partitioned_hosts
from .pooling import measure_pooling, pooled_hosts
from .progress import progress_bar
from .results import DatabaseResults
from .serving import measure_requests
from .tables import loaded_sizes

WINDOWS = (5, 15, HOUR, 240, 720, DAY)
"""The minutes that a curve is drawn through."""

IN_PYTHON = ("snapshot", "row pulling")
"""The contenders whose memory is of interest."""


@dataclass(frozen=True)
class Effort:
    """How often things are measured."""

    rounds: int
    requests: int
    writes: int


def run(engine: sa.Engine, rows: int, fewer_rows: int, effort: Effort) -> DatabaseResults:
    """Measure all that there are goals for."""
    for size in (rows, fewer_rows):
        check_loaded(engine, size)
    large, small = Host(engine, rows), Host(engine, fewer_rows)
    cases = [*all_contenders(large, HOUR, DAY), Case("snapshot", HOUR, small)]
    name, version = database_and_version(engine)
    units = measuring.units(cases, effort.rounds) + effort.requests + writes.units(effort.rounds)
    with progress_bar(name, units) as advance:
        return DatabaseResults(
            name,
            version,
            timings=[
                *measuring.measure(cases, effort.rounds, advance),
                measure_requests(engine, rows, HOUR, effort.requests, advance),
            ],
            memory=[measure_memory(engine, rows, contender, DAY) for contender in IN_PYTHON],
            writes=writes.measure_writes(engine, effort.writes, effort.rounds, advance),
        )


def curve(engine: sa.Engine, rounds: int) -> DatabaseResults:
    """Measure the contenders on windows of the largest table, and the snapshot of the same window
    in the others.

    Raises `BenchmarkError` where none is loaded.
    """
    if not (sizes := loaded_sizes(engine)):
        raise BenchmarkError("no table is loaded; load some first: python -m benchmarks load URL")
    for size in sizes:
        check_loaded(engine, size)
    *smaller, largest = [Host(engine, rows) for rows in sizes]
    cases = [
        *all_contenders(largest, *WINDOWS),
        *(Case("snapshot", HOUR, host) for host in smaller),
    ]
    name, version = database_and_version(engine)
    with progress_bar(name, measuring.units(cases, rounds)) as advance:
        return DatabaseResults(name, version, measuring.measure(cases, rounds, advance))


def partitions(engine: sa.Engine, days: Sequence[int], rounds: int) -> DatabaseResults:
    """Measure the snapshot of tables with a partition for each of so many days."""
    name, version = database_and_version(engine)
    with (
        partitioned_hosts(engine, days) as hosts,
        progress_bar(name, measuring.units(hosts, rounds)) as advance,
    ):
        return DatabaseResults(name, version, measure_partitions(hosts, rounds, advance))


def pooling(engines: Sequence[sa.Engine], rounds: int) -> DatabaseResults:
    """Measure the snapshot of no tasks, on each way to a database."""
    name, version = database_and_version(engines[0])
    with (
        pooled_hosts(engines) as hosts,
        progress_bar(name, measuring.units(hosts, rounds)) as advance,
    ):
        return DatabaseResults(name, version, measure_pooling(hosts, rounds, advance))
