"""What the recommended indexes cost those who write tasks."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice, product
from typing import Any, TypeAlias

import sqlalchemy as sa

from .loading import gather_statistics, insert_tasks
from .progress import Advance
from .results import Throughput
from .tables import task_table, with_indexes
from .work import END, PROMPTS, last_tasks

ROUNDS_BEFORE = 10
"""How many rounds' tasks are in a table before the first round."""

TASKS_PER_COMMIT = 100

Write: TypeAlias = Callable[[sa.Connection, sa.Table, Sequence[int]], Any]
"""Writes the tasks of some ids."""


def measure_writes(
    engine: sa.Engine, tasks: int, rounds: int, advance: Advance
) -> list[Throughput]:
    """Write so many tasks a round, in small transactions and in turn into a table with and without
    the indexes.
    """
    speeds: dict[tuple[str, bool], list[float]] = defaultdict(list)
    rows_before = ROUNDS_BEFORE * tasks
    with _tables(engine, rows_before) as tables:
        for number in range(rounds + 1):
            first_id = rows_before + number * tasks + 1
            ids = range(first_id, first_id + tasks)
            for operation, indexed in _turns(number):
                speed = _speed(engine, OPERATIONS[operation], tables[indexed], ids)
                speeds[operation, indexed].append(speed)
                advance(f"{operation} tasks, {'with' if indexed else 'without'} the indexes")
    # The first round warmed up.
    return [Throughput(*key, per_second[1:]) for key, per_second in speeds.items()]


def _turns(number: int) -> Iterator[tuple[str, bool]]:
    """The operations of a round on both tables, each of which is the first every other time."""
    return product(OPERATIONS, (True, False) if number % 2 else (False, True))


def units(rounds: int) -> int:
    """How often `measure_writes` advances."""
    return (rounds + 1) * len(OPERATIONS) * 2


@contextmanager
def _tables(engine: sa.Engine, rows: int) -> Iterator[dict[bool, sa.Table]]:
    """A table with the recommended indexes under True, and one without under False."""
    tables = {
        True: with_indexes(task_table("benchmark_writes_indexed")),
        False: task_table("benchmark_writes_bare"),
    }
    tasks = list(last_tasks(rows))
    try:
        for table in tables.values():
            table.drop(engine, checkfirst=True)
            table.create(engine)
            insert_tasks(engine, table, tasks)
            gather_statistics(engine, table)
        yield tables
    finally:
        for table in tables.values():
            table.drop(engine, checkfirst=True)


def _speed(engine: sa.Engine, write: Write, table: sa.Table, ids: Sequence[int]) -> float:
    """How many tasks a second are written."""
    left = iter(ids)
    with engine.connect() as connection:
        began = time.perf_counter()
        while batch := list(islice(left, TASKS_PER_COMMIT)):
            write(connection, table, batch)
            connection.commit()
        return round(len(ids) / (time.perf_counter() - began), 1)


def _insert(connection: sa.Connection, table: sa.Table, ids: Sequence[int]) -> None:
    rows = [
        {
            "id": id,
            "status": "queued",
            "engine": "aurora-2",
            "prompt": PROMPTS[id % len(PROMPTS)],
            "created_at": _moment(id),
            "updated_at": _moment(id),
            "request_id": f"req_{id:032x}",
        }
        for id in ids
    ]
    connection.execute(sa.insert(table), rows)


def _begin(connection: sa.Connection, table: sa.Table, ids: Sequence[int]) -> None:
    _transition(connection, table, ids, "processing", "processing_at", seconds=5)


def _complete(connection: sa.Connection, table: sa.Table, ids: Sequence[int]) -> None:
    _transition(connection, table, ids, "completed", "completed_at", seconds=30)


def _transition(
    connection: sa.Connection,
    table: sa.Table,
    ids: Sequence[int],
    status: str,
    timestamp: str,
    *,
    seconds: int,
) -> None:
    moment: sa.BindParameter[datetime] = sa.bindparam("moment")
    statement = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("task"))
        .values({"status": status, timestamp: moment, "updated_at": moment})
    )
    moments = ({"task": id, "moment": _moment(id) + timedelta(seconds=seconds)} for id in ids)
    connection.execute(statement, list(moments))


def _moment(id: int) -> datetime:
    """When a task is created: in the order of the ids, after all that are in the table before."""
    return END + timedelta(milliseconds=id)


OPERATIONS: Mapping[str, Write] = {"insert": _insert, "begin": _begin, "complete": _complete}
