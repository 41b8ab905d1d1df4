"""Plain SQL: the figures as the manual of a database suggests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import has_percentile_disc
from flask_task_metrics.source import STATUSES

from .host import Host
from .queries import completed_since, count_by, durations, since, updated_since


@dataclass(frozen=True)
class PlainFigures:
    """The figures of plain SQL: tasks by status, percentiles, and failures by message."""

    created: int
    tasks: Mapping[str, int]
    backlog: Mapping[str, int]
    percentiles: Sequence[Sequence[float]]
    failures: Mapping[str, int]


def plain_sql(host: Host, minutes: int) -> PlainFigures:
    """Compute the figures as the manual of a database suggests.

    It counts messages, not codes, and names no task.
    """
    tasks = host.table.c
    created = sa.select(sa.func.count()).where(tasks.created_at >= since(minutes))
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
            tasks=count_by(connection, tasks.status, updated_since(host, STATUSES, minutes)),
            backlog={row[0]: row[1] for row in connection.execute(backlog)},
            percentiles=[
                row
                for percentiles in _percentiles(host, minutes)
                for row in connection.execute(percentiles).all()
            ],
            failures=count_by(
                connection, tasks.error_message, updated_since(host, ("failed",), minutes)
            ),
        )


def _percentiles(host: Host, minutes: int) -> list[sa.Select[Any]]:
    """Select the percentiles by `percentile_cont`, or else by the ranks of each latency."""
    if not has_percentile_disc(host.engine.dialect):
        return [_ranked(duration) for duration in durations(host, minutes)]
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
    return [sa.select(*in_one_pass).where(*completed_since(host, minutes))]


def _ranked(duration: sa.ColumnElement[int]) -> sa.Select[Any]:
    ranked = sa.select(
        duration.label("ms"),
        (sa.func.row_number().over(order_by=duration) - 1).label("rank"),
        sa.func.count().over().label("samples"),
    ).subquery()
    ranks = (ranked.c.samples * percent // 100 for percent in (50, 95, 99))
    return sa.select(ranked.c.ms).where(ranked.c.rank.in_(ranks))
