"""Check that the contenders agree: the speed of a wrong answer doesn't matter."""

from __future__ import annotations

from dataclasses import asdict, replace

from click import ClickException

from flask_task_metrics import LatencyStats, Series, Snapshot

from .contenders import Averages, breakdown, scan, series
from .host import Host
from .plain_sql import PlainFigures, plain_sql
from .row_pulling import PulledFigures, pull_rows

ROUNDING_MS = 0.51
"""How far the scan's mean may be from the snapshot's, which is a whole number."""


def check_agreement(host: Host, minutes: int) -> None:
    """Raise `ClickException` if the contenders disagree about a figure."""
    snapshot = host.snapshot(minutes)
    ungrouped = replace(breakdown(host, minutes), groups=None, other_groups=None, group_count=None)
    figures: list[tuple[str, object, object]] = [
        ("the whole of a breakdown", ungrouped, snapshot),
        ("the sum of a series", _ended_in(series(host, minutes)), _ended(snapshot)),
        *_by_row_pulling(snapshot, pull_rows(host, minutes)),
        *_by_scan(snapshot, scan(host, minutes)),
        *_by_plain_sql(snapshot, plain_sql(host, minutes)),
    ]
    for figure, found, expected in figures:
        if found != expected:
            raise ClickException(
                f"{figure} of {minutes} minutes in {host.rows:,} rows: "
                f"the snapshot has {found}, but {expected} is right"
            )


def _by_row_pulling(snapshot: Snapshot, pulled: PulledFigures) -> list[tuple[str, object, object]]:
    return [
        ("counts by status", _by_status(snapshot), dict(pulled.tasks)),
        ("latency", snapshot.latency, pulled.latency),
        ("failed tasks", snapshot.tasks.failed, sum(pulled.failures.values())),
    ]


def _ended(snapshot: Snapshot) -> tuple[int, int, int]:
    return snapshot.tasks.completed, snapshot.tasks.failed, snapshot.tasks.cancelled


def _ended_in(course: Series) -> tuple[int, ...]:
    ended = ((point.completed, point.failed, point.cancelled) for point in course.points)
    return tuple(map(sum, zip(*ended, strict=True)))


def _by_plain_sql(snapshot: Snapshot, plain: PlainFigures) -> list[tuple[str, object, object]]:
    # Its percentiles may lie between two durations, and so may differ.
    backlog = {status: now["count"] for status, now in asdict(snapshot.backlog).items() if now}
    return [
        ("created tasks", snapshot.tasks.created, plain.created),
        ("counts by status", _by_status(snapshot), dict(plain.tasks)),
        ("backlog", backlog, dict(plain.backlog)),
        ("failed tasks", snapshot.tasks.failed, sum(plain.failures.values())),
    ]


def _by_status(snapshot: Snapshot) -> dict[str, int]:
    tasks = {status: count for status, count in asdict(snapshot.tasks).items() if count}
    del tasks["created"]
    return tasks


def _by_scan(snapshot: Snapshot, averages: Averages) -> list[tuple[str, object, object]]:
    latency = snapshot.latency
    in_all = latency.end_to_end_ms
    return [
        ("samples", in_all and in_all.samples, averages.samples),
        _mean("mean wait", latency.time_to_processing_ms, averages.wait),
        _mean("mean run", latency.time_to_complete_ms, averages.run),
        _mean("mean total", in_all, averages.total),
    ]


def _mean(figure: str, stats: LatencyStats | None, mean: float) -> tuple[str, object, object]:
    avg = stats.avg if stats else None
    is_same = avg is not None and abs(avg - mean) < ROUNDING_MS
    return figure, avg, avg if is_same else mean
