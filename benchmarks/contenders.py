"""What is compared: the least that an exact answer reads, the snapshot, and what a developer writes
first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics import Latency, LatencyStats, Snapshot
from flask_task_metrics.dialects import elapsed_ms, instant, read_once
from flask_task_metrics.statuses import STATUSES

from .host import Host
from .work import END

MILLISECOND = timedelta(milliseconds=1)

Contender: TypeAlias = Callable[[Host, int], Any]
"""Reads the last minutes of a host's table."""


@dataclass(frozen=True)
class Averages:
    """What a scan tells: how many tasks were completed, and their mean times in milliseconds."""

    samples: int
    wait: float
    run: float
    total: float


@dataclass(frozen=True)
class PulledFigures:
    """What row pulling tells."""

    tasks: Mapping[str, int]
    latency: Latency
    failures: Mapping[str, int]


def scan(host: Host, minutes: int) -> Averages:
    """Count the completed tasks and average their exact milliseconds in one pass over the index."""
    tasks = host.table.c
    roles = ("created_at", "processing_at", "completed_at")
    completed: Any = sa.select(*(instant(tasks[role]).label(role) for role in roles))
    at = read_once(completed.where(*_completed_since(host, minutes))).c
    created, began, ended = (at[role] for role in roles)
    durations = elapsed_ms(created, began), elapsed_ms(began, ended), elapsed_ms(created, ended)
    with host.engine.connect() as connection:
        row = connection.execute(
            sa.select(sa.func.count(), *map(sa.func.avg, durations)).select_from(created.table)
        ).one()
    return Averages(row[0], *map(float, row[1:]))


def snapshot(host: Host, minutes: int) -> Snapshot:
    """Take the whole snapshot."""
    return host.snapshot(minutes)


def pull_rows(host: Host, minutes: int) -> PulledFigures:
    """Count by status and by message in the database, and get the completed rows into Python to
    sort their durations there.
    """
    tasks = host.table.c
    completed = sa.select(tasks.created_at, tasks.processing_at, tasks.completed_at)
    with host.engine.connect() as connection:
        return PulledFigures(
            tasks=_count_by(connection, tasks.status, _updated_since(host, STATUSES, minutes)),
            latency=_latency(
                connection.execute(completed.where(*_completed_since(host, minutes))).all()
            ),
            failures=_count_by(
                connection, tasks.error_message, _updated_since(host, ("failed",), minutes)
            ),
        )


CONTENDERS: Mapping[str, Contender] = {
    "scan": scan,
    "snapshot": snapshot,
    "row pulling": pull_rows,
}


def _since(minutes: int) -> datetime:
    return END - timedelta(minutes=minutes)


def _completed_since(host: Host, minutes: int) -> tuple[sa.ColumnElement[bool], ...]:
    tasks = host.table.c
    return tasks.status == "completed", tasks.completed_at >= _since(minutes)


def _updated_since(
    host: Host, statuses: Sequence[str], minutes: int
) -> tuple[sa.ColumnElement[bool], ...]:
    # With the statuses named, the recommended index serves row pulling too, in place of a scan of
    # the whole table.
    tasks = host.table.c
    return tasks.status.in_(statuses), tasks.updated_at >= _since(minutes)


def _count_by(
    connection: sa.Connection, column: sa.Column[Any], where: tuple[sa.ColumnElement[bool], ...]
) -> dict[str, int]:
    query = sa.select(column, sa.func.count()).where(*where).group_by(column)
    return dict(connection.execute(query).all())


def _latency(rows: Sequence[Any]) -> Latency:
    return Latency(
        time_to_processing_ms=_stats(
            [(began - created) // MILLISECOND for created, began, _ in rows]
        ),
        time_to_complete_ms=_stats([(ended - began) // MILLISECOND for _, began, ended in rows]),
        end_to_end_ms=_stats([(ended - created) // MILLISECOND for created, _, ended in rows]),
    )


def _stats(durations: list[int]) -> LatencyStats:
    durations.sort()
    samples = len(durations)
    p50, p95, p99 = (durations[samples * percent // 100] for percent in (50, 95, 99))
    avg = (2 * sum(durations) + samples) // (2 * samples)
    return LatencyStats(p50=p50, p95=p95, p99=p99, max=durations[-1], avg=avg, samples=samples)
