"""What a snapshot costs before there is any task to read, by the way to the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import sqlalchemy as sa

from .exceptions import BenchmarkError
from .host import SourceHost
from .measuring import times_in_turn
from .progress import Advance
from .results import Timing
from .tables import source_of, task_table, with_indexes

POOLS = {"SQLAlchemy's pool": sa.QueuePool, "no pool": sa.NullPool}

MINUTES = 1

# What psycopg prepares stays on a connection to the server that PgBouncer gives to others.
CONNECT_ARGS = {"psycopg": {"prepare_threshold": None}}


@contextmanager
def pooled_hosts(engines: Sequence[sa.Engine]) -> Iterator[dict[str, SourceHost]]:
    """An app with each pool on each of the ways to one database, where an empty task table is there
    meanwhile.

    Raises `BenchmarkError` where a way leads to another database.
    """
    table = with_indexes(task_table("benchmark_no_tasks"))
    table.drop(engines[0], checkfirst=True)
    table.create(engines[0])
    try:
        for engine in engines:
            if not sa.inspect(engine).has_table(table.name):
                raise BenchmarkError(f"{engine.url!r} is not the database of {engines[0].url!r}")
        with ExitStack() as stack:
            yield {
                f"{engine.url!r}, {name}": SourceHost(
                    stack.enter_context(_pooled(engine, pool)), source_of(table)
                )
                for engine in engines
                for name, pool in POOLS.items()
            }
    finally:
        table.drop(engines[0])


@contextmanager
def _pooled(engine: sa.Engine, pool: type[sa.Pool]) -> Iterator[sa.Engine]:
    connect_args = CONNECT_ARGS.get(engine.driver, {})
    pooled = sa.create_engine(engine.url, poolclass=pool, connect_args=connect_args)
    try:
        yield pooled
    finally:
        pooled.dispose()


def measure_pooling(hosts: Mapping[str, SourceHost], rounds: int, advance: Advance) -> list[Timing]:
    """Time snapshots of no tasks, each way in turn."""
    reads = {way: partial(host.snapshot, MINUTES) for way, host in hosts.items()}
    times = times_in_turn(reads, rounds, advance)
    return [Timing(way, MINUTES, 0, ms) for way, ms in times.items()]
