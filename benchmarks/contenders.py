"""The contenders: a scan of the window, the forms of the figures, plain SQL, and row pulling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics import Series, Snapshot

from .host import Host
from .plain_sql import plain_sql
from .queries import durations
from .row_pulling import pull_rows
from .tables import ENGINE

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


def scan(host: Host, minutes: int) -> Averages:
    """Count the completed tasks and average their exact milliseconds in one pass over the index.

    No exact answer can read less.
    """
    averages = sa.select(sa.func.count(), *map(sa.func.avg, durations(host, minutes)))
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


CONTENDERS: Mapping[str, Contender] = {
    "scan": scan,
    "snapshot": snapshot,
    "breakdown": breakdown,
    "series": series,
    "plain SQL": plain_sql,
    "row pulling": pull_rows,
}
