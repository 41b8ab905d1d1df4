"""What partitions cost a snapshot, and what it costs to have those of past days left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa

from flask_task_metrics import TaskSource

from .exceptions import BenchmarkError
from .goals import HOUR
from .host import SourceHost
from .loading import fill, gather_statistics
from .measuring import times_in_turn
from .progress import Advance
from .results import Timing
from .tables import source_of, task_table, with_indexes
from .work import END, last_tasks

TASKS_PER_HOUR = 80
"""So few that the partitions' own cost is what is seen."""

TODAY = END.replace(hour=0, minute=0)
DAY = timedelta(days=1)
WEEK = 7 * DAY

CREATE = "CREATE TABLE {partition} PARTITION OF {table} FOR VALUES FROM ('{start}') TO ('{end}')"

CONSTRAIN = """ALTER TABLE {partition}
    ADD CHECK (updated_at < '{moment}'),
    ADD CHECK (completed_at < '{moment}'),
    ADD CHECK (status NOT IN ('queued', 'processing'))"""
"""What holds of a day none of whose tasks changes any more."""


class Way(NamedTuple):
    """A way to read a table that has a partition for each of so many days."""

    days: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (partitions: {self.days})"


@contextmanager
def partitioned_hosts(engine: sa.Engine, days: Sequence[int]) -> Iterator[dict[Way, SourceHost]]:
    """An app for each way to read a table of each number of days; the tables are there meanwhile.

    Raises `BenchmarkError` where the ways tell different figures, and on any database but
    PostgreSQL.
    """
    if engine.dialect.name != "postgresql":
        raise BenchmarkError(f"partitions are measured on PostgreSQL, not on {engine.dialect.name}")
    with ExitStack() as stack:
        hosts = {
            Way(count, name): SourceHost(engine, source)
            for count in dict.fromkeys(days)
            for name, source in stack.enter_context(_sources(engine, count)).items()
        }
        _check_agreement(hosts)
        yield hosts


def measure_partitions(
    hosts: Mapping[Way, SourceHost], rounds: int, advance: Advance
) -> list[Timing]:
    """Time snapshots of 60 minutes, each way in turn."""
    reads = {way: partial(host.snapshot, HOUR) for way, host in hosts.items()}
    times = times_in_turn(reads, rounds, advance)
    return [Timing(str(way), HOUR, _rows(way.days), ms) for way, ms in times.items()]


@contextmanager
def _sources(engine: sa.Engine, days: int) -> Iterator[dict[str, TaskSource]]:
    with (
        _table(engine, f"benchmark_days_{days}", days) as tasks,
        _table(engine, f"benchmark_past_days_{days}", days) as constrained,
    ):
        _constrain_past_days(engine, constrained, days)
        since = END - WEEK
        yield {
            "all are asked": source_of(tasks),
            "a source of recent tasks": _created_since(tasks, sa.literal(since)),
            "the same by the server's clock": _created_since(
                tasks, sa.func.localtimestamp() - sa.literal(_utc_now() - since)
            ),
            "constraints on days that are over": source_of(constrained),
        }


def _created_since(tasks: sa.Table, moment: sa.ColumnElement[datetime]) -> TaskSource:
    recent = sa.select(tasks).where(tasks.c.created_at >= moment)
    return TaskSource(recent, request_id="request_id")


def _utc_now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


@contextmanager
def _table(engine: sa.Engine, name: str, days: int) -> Iterator[sa.Table]:
    """A table of the last days' tasks, with the recommended indexes."""
    table = with_indexes(task_table(name, is_partitioned=True))
    table.drop(engine, checkfirst=True)
    try:
        table.create(engine)
        with engine.begin() as connection:
            for age in range(days):
                start = TODAY - age * DAY
                connection.exec_driver_sql(
                    CREATE.format(
                        partition=_partition(table, age), table=name, start=start, end=start + DAY
                    )
                )
        fill(engine, table, last_tasks(_rows(days), TASKS_PER_HOUR), _rows(days))
        gather_statistics(engine, table)
        yield table
    finally:
        table.drop(engine, checkfirst=True)


def _constrain_past_days(engine: sa.Engine, table: sa.Table, days: int) -> None:
    """Vouch for all days but today and yesterday, whose tasks may have ended today."""
    with engine.begin() as connection:
        for age in range(2, days):
            moment = TODAY - (age - 2) * DAY
            connection.exec_driver_sql(
                CONSTRAIN.format(partition=_partition(table, age), moment=moment)
            )


def _partition(table: sa.Table, age: int) -> str:
    return f"{table.name}_{age}"


def _rows(days: int) -> int:
    """How many tasks were created on the last days, today included."""
    return TASKS_PER_HOUR * ((END - TODAY + (days - 1) * DAY) // timedelta(hours=1))


def _check_agreement(hosts: Mapping[Way, SourceHost]) -> None:
    snapshots = {way: host.snapshot(HOUR) for way, host in hosts.items()}
    for way, snapshot in snapshots.items():
        expected = next(snapshots[other] for other in snapshots if other.days == way.days)
        if snapshot != expected:
            raise BenchmarkError(f"{way}: the snapshot says {snapshot}, but it is {expected}")
