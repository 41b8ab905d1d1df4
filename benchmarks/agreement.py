"""Whether the contenders agree, because how fast a wrong answer comes is of no interest."""

from __future__ import annotations

from dataclasses import asdict

from flask_task_metrics import LatencyStats, Snapshot

from .contenders import Averages, PulledFigures, pull_rows, scan
from .exceptions import BenchmarkError
from .host import Host

ROUNDING_MS = 0.51
"""How far a mean may be from the same mean as a whole number, both being rounded."""


def check_agreement(host: Host, minutes: int) -> None:
    """Raise `BenchmarkError` where the contenders tell different figures of a window."""
    snapshot = host.snapshot(minutes)
    for figure, found, expected in (
        *_by_row_pulling(snapshot, pull_rows(host, minutes)),
        *_by_scan(snapshot, scan(host, minutes)),
    ):
        if found != expected:
            raise BenchmarkError(
                f"{figure} of {minutes} minutes in {host.rows:,} rows: "
                f"the snapshot says {found}, but it is {expected}"
            )


def _by_row_pulling(snapshot: Snapshot, pulled: PulledFigures) -> list[tuple[str, object, object]]:
    tasks = {status: count for status, count in asdict(snapshot.tasks).items() if count}
    del tasks["created"]
    return [
        ("counts by status", tasks, dict(pulled.tasks)),
        ("latency", snapshot.latency, pulled.latency),
        ("failed tasks", snapshot.tasks.failed, sum(pulled.failures.values())),
    ]


def _by_scan(snapshot: Snapshot, averages: Averages) -> list[tuple[str, object, object]]:
    latency = snapshot.latency
    return [
        ("samples", latency.end_to_end_ms.samples, averages.samples),
        _mean("mean wait", latency.time_to_processing_ms, averages.wait),
        _mean("mean run", latency.time_to_complete_ms, averages.run),
        _mean("mean total", latency.end_to_end_ms, averages.total),
    ]


def _mean(figure: str, stats: LatencyStats, mean: float) -> tuple[str, object, object]:
    is_same = stats.avg is not None and abs(stats.avg - mean) < ROUNDING_MS
    return figure, stats.avg, stats.avg if is_same else mean
