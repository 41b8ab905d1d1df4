"""Row pulling: the code that a developer would write first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from flask_task_metrics import Latency, LatencyStats
from flask_task_metrics.source import STATUSES

from .host import Host
from .queries import completed_since, count_by, updated_since

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class PulledFigures:
    """The figures of row pulling: tasks by status, latency, and failures by message."""

    tasks: Mapping[str, int]
    latency: Latency
    failures: Mapping[str, int]


def pull_rows(host: Host, minutes: int) -> PulledFigures:
    """Count by status and message in the database, but sort all durations in Python.

    A developer's first version would do this.
    """
    tasks = host.table.c
    completed = sa.select(tasks.created_at, tasks.processing_at, tasks.completed_at)
    with host.engine.connect() as connection:
        return PulledFigures(
            tasks=count_by(connection, tasks.status, updated_since(host, STATUSES, minutes)),
            latency=_latency(
                connection.execute(completed.where(*completed_since(host, minutes))).all()
            ),
            failures=count_by(
                connection, tasks.error_message, updated_since(host, ("failed",), minutes)
            ),
        )


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
