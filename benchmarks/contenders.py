"""The contenders: a scan of the window, the snapshot, plain SQL, and row pulling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics import Latency, LatencyStats, Series, Snapshot
from flask_task_metrics.dialects import (
    computed_once,
    elapsed_ms,
    has_percentile_disc,
    instant,
)
from flask_task_metrics.source import STATUSES

from .host import Host
from .tables import ENGINE
from .work import END

MILLISECOND = timedelta(milliseconds=1)

MOST_POINTS = 288
"""A day in steps of 5 minutes."""

Contender: TypeAlias = Callable[[Host, int], Any]
"""A contender reads the last minutes of a host's table."""


@dataclass(frozen=True)
class Averages:
    """The completed tasks that a scan counts, and their mean times in milliseconds."""

    samples: int
    wait: float
    run: float
    total: float


@dataclass(frozen=True)
class PlainFigures:
    """The figures of plain SQL: tasks by status, percentiles, and failures by message."""

    created: int
    tasks: Mapping[str, int]
    backlog: Mapping[str, int]
    percentiles: Sequence[Sequence[float]]
    failures: Mapping[str, int]


@dataclass(frozen=True)
class PulledFigures:
    """The figures of row pulling: tasks by status, latency, and failures by message."""

    tasks: Mapping[str, int]
    latency: Latency
    failures: Mapping[str, int]


def scan(host: Host, minutes: int) -> Averages:
    """Count the completed tasks and average their exact milliseconds in one pass over the index.

    No exact answer can read less.
    """
    durations = _durations(host, minutes)
    averages = sa.select(sa.func.count(), *map(sa.func.avg, durations))
    with host.engine.connect() as connection:
        row = connection.execute(averages).one()
    return Averages(row[0], *map(float, row[1:]))


def snapshot(host: Host, minutes: int) -> Snapshot:
    """Take the whole snapshot."""
    return host.snapshot(minutes)


def breakdown(host: Host, minutes: int) -> Snapshot:
    """Take the snapshot with that of each engine."""
    return host.snapshot(minutes, group_by=ENGINE)


def series(host: Host, minutes: int) -> Series:
    """Read the course of time, a point a minute as long as the points are few."""
    return host.series(minutes, min(minutes, MOST_POINTS))


def plain_sql(host: Host, minutes: int) -> PlainFigures:
    """Compute the figures as the manual of a database suggests.

    It counts messages, not codes, and names no task.
    """
    tasks = host.table.c
    created = sa.select(sa.func.count()).where(tasks.created_at >= _since(minutes))
    began_at = sa.func.coalesce(tasks.processing_at, tasks.updated_at)
    backlog = (
        sa.select(
            tasks.status, sa.func.count(), sa.func.min(tasks.created_at), sa.func.min(began_at)
        )
        .where(tasks.status.in_(("queued", "processing")))
        .group_by(tasks.status)
    )
    with host.engine.connect() as connection:
        return PlainFigures(
            created=connection.execute(created).scalar_one(),
            tasks=_count_by(connection, tasks.status, _updated_since(host, STATUSES, minutes)),
            backlog={row[0]: row[1] for row in connection.execute(backlog)},
            percentiles=[
                row
                for percentiles in _percentiles(host, minutes)
                for row in connection.execute(percentiles).all()
            ],
            failures=_count_by(
                connection, tasks.error_message, _updated_since(host, ("failed",), minutes)
            ),
        )


def pull_rows(host: Host, minutes: int) -> PulledFigures:
    """Count by status and message in the database, but sort all durations in Python.

    A developer's first version would do this.
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
    "breakdown": breakdown,
    "series": series,
    "plain SQL": plain_sql,
    "row pulling": pull_rows,
}


def _since(minutes: int) -> datetime:
    return END - timedelta(minutes=minutes)


def _completed_since(host: Host, minutes: int) -> tuple[sa.ColumnElement[bool], ...]:
    tasks = host.table.c
    return tasks.status == "completed", tasks.completed_at >= _since(minutes)


def _durations(host: Host, minutes: int) -> tuple[sa.ColumnElement[int], ...]:
    """Return the exact milliseconds of the three latencies, as columns of one subquery."""
    tasks = host.table.c
    roles = ("created_at", "processing_at", "completed_at")
    completed: Any = sa.select(*(instant(tasks[role]).label(role) for role in roles))
    at = computed_once(completed.where(*_completed_since(host, minutes))).c
    created, began, ended = (at[role] for role in roles)
    return elapsed_ms(created, began), elapsed_ms(began, ended), elapsed_ms(created, ended)


def _percentiles(host: Host, minutes: int) -> list[sa.Select[Any]]:
    """Select the percentiles by `percentile_cont`, or else by the ranks of each latency."""
    if not has_percentile_disc(host.engine.dialect):
        return [_ranked(duration) for duration in _durations(host, minutes)]
    tasks = host.table.c
    fractions = sa.literal([0.5, 0.95, 0.99], sa.ARRAY(sa.Double))
    in_one_pass = (
        sa.func.percentile_cont(fractions).within_group(sa.extract("epoch", duration) * 1000)
        for duration in (
            tasks.processing_at - tasks.created_at,
            tasks.completed_at - tasks.processing_at,
            tasks.completed_at - tasks.created_at,
        )
    )
    return [sa.select(*in_one_pass).where(*_completed_since(host, minutes))]


def _ranked(duration: sa.ColumnElement[int]) -> sa.Select[Any]:
    ranked = sa.select(
        duration.label("ms"),
        (sa.func.row_number().over(order_by=duration) - 1).label("rank"),
        sa.func.count().over().label("samples"),
    ).subquery()
    ranks = (ranked.c.samples * percent // 100 for percent in (50, 95, 99))
    return sa.select(ranked.c.ms).where(ranked.c.rank.in_(ranks))


def _updated_since(
    host: Host, statuses: Sequence[str], minutes: int
) -> tuple[sa.ColumnElement[bool], ...]:
    # The recommended index begins with the status: without statuses, this is a full scan.
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
