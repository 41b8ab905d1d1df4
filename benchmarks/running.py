"""Time all cases on one database in interleaved rounds, then measure their memory."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

import click
import sqlalchemy as sa

from .agreement import check_agreement
from .contenders import CONTENDERS
from .host import Host
from .loading import check_loaded
from .memory import can_measure_memory, measure_memory
from .serving import served

HTTP = "over HTTP"
IN_PYTHON = ("snapshot", "row pulling")
"""The contenders whose memory is measured; a scan returns one row."""


class Case(NamedTuple):
    """One contender on one window of one table."""

    rows: int
    minutes: int
    contender: str

    def __str__(self) -> str:
        return f"{self.contender}, {self.minutes} min of {self.rows:,} rows"


Reads: TypeAlias = Mapping[Case, Callable[[], object]]


@dataclass(frozen=True)
class Results:
    """The milliseconds of each round, and the megabytes of memory, for each case."""

    database: str
    milliseconds: Mapping[Case, Sequence[float]]
    megabytes: Mapping[Case, float]


def run_benchmark(
    engine: sa.Engine, sizes: Sequence[int], windows: Sequence[int], rounds: int
) -> Results:
    """Measure every contender on every window of the tables of some sizes.

    Raises `ClickException` if a table is not loaded, or if the contenders disagree.
    """
    for rows in sizes:
        check_loaded(engine, rows)
    with ExitStack() as stack:
        reads = {
            case: read
            for rows in sizes
            for case, read in _reads(Host(engine, rows), windows, stack).items()
        }
        milliseconds = times_in_turn(reads, rounds)
    in_python = [case for case in reads if case.contender in IN_PYTHON and can_measure_memory()]
    return Results(
        database_and_version(engine),
        milliseconds,
        {case: measure_memory(engine, *case) for case in in_python},
    )


def _reads(host: Host, windows: Sequence[int], stack: ExitStack) -> Reads:
    """Return the calls to time for a table, once its contenders agree."""
    reads: dict[Case, Callable[[], object]] = {}
    request = stack.enter_context(served(host))
    for minutes in windows:
        check_agreement(host, minutes)
        for name, contender in CONTENDERS.items():
            reads[Case(host.rows, minutes, name)] = partial(contender, host, minutes)
        reads[Case(host.rows, minutes, HTTP)] = partial(request, minutes)
    return reads


def times_in_turn(reads: Reads, rounds: int) -> dict[Case, list[float]]:
    """Time each case once in each round, after a first round that only warms up.

    Interleaved like this, all cases share the noise of the machine. Each round begins with
    another case, so that none always follows the same one.
    """
    cases = list(reads)
    starts = [number % len(cases) for number in range(rounds + 1)]
    turns = [case for start in starts for case in (*cases[start:], *cases[:start])]
    times: dict[Case, list[float]] = {case: [] for case in cases}
    with click.progressbar(turns, label="Measuring", file=sys.stderr, item_show_func=_label) as bar:
        for case in bar:
            times[case].append(_milliseconds(reads[case]))
    return {case: ms[1:] for case, ms in times.items()}


def _label(case: Case | None) -> str:
    return str(case or "")


def _milliseconds(read: Callable[[], object]) -> float:
    gc.collect()
    began = time.perf_counter()
    read()
    return (time.perf_counter() - began) * 1000


def database_and_version(engine: sa.Engine) -> str:
    """Return the database's name and version, such as `mariadb 10.11.19`."""
    with engine.connect() as connection:
        dialect = connection.dialect
    is_mariadb = getattr(dialect, "is_mariadb", False)
    version = ".".join(map(str, getattr(dialect, "server_version_info", ())))
    return f"{'mariadb' if is_mariadb else dialect.name} {version}"
