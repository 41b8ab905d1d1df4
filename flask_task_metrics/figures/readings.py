"""The figures that a condition can judge, and the reading of each from a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from flask_task_metrics.source import TaskSource

from .durations import LATENCIES, unrecorded_latencies
from .percentiles import PERCENTILES
from .snapshot import LatencyStats, Snapshot
from .thresholds import Range, States, Threshold

Value: TypeAlias = float | str


def ended(snapshot: Snapshot) -> int:
    """Return the number of tasks that failed or completed."""
    return snapshot.tasks.failed + snapshot.tasks.completed


def _nothing(snapshot: Snapshot) -> str:
    return ""


@dataclass(frozen=True)
class Reading:
    """The way to read a figure, its unit (`s` for a time) and the threshold that judges it.

    `read` returns None if there is no data, and `no_data` says why. `detail` is the text behind the
    value. A source that does not record the figure lacks `needs`. `most` is the greatest value that
    there can be.
    """

    read: Callable[[Snapshot], Value | None]
    needs: str
    is_recorded: Callable[[TaskSource], bool]
    no_data: Callable[[Snapshot], str] = _nothing
    detail: Callable[[Snapshot], str] = _nothing
    threshold: type[Threshold] = Range
    unit: str = ""
    most: int | None = None


def _failure_rate(snapshot: Snapshot) -> float:
    """Return the rate; a condition on it has no data until a task has ended."""
    return snapshot.tasks.failed / ended(snapshot)


def _failed_of_ended(snapshot: Snapshot) -> str:
    return f": {snapshot.tasks.failed} of {ended(snapshot)} ended tasks failed"


def _age(status: str, snapshot: Snapshot) -> int | None:
    age: int | None = getattr(snapshot.backlog, status).oldest_age_seconds
    # A worker's clock may run ahead of the database's.
    return None if age is None else max(0, age)


def _no_age(status: str, without_tasks: str, snapshot: Snapshot) -> str:
    count: int = getattr(snapshot.backlog, status).count
    return "no task has a time to count its age from" if count else without_tasks


def _backlog(status: str, snapshot: Snapshot) -> int:
    count: int = getattr(snapshot.backlog, status).count
    return count


def _count(name: str, snapshot: Snapshot) -> int | None:
    count: int | None = getattr(snapshot.tasks, name)
    return count


def _percentile(figure: str, percentile: str, snapshot: Snapshot) -> float | None:
    stats: LatencyStats = getattr(snapshot.latency, figure)
    milliseconds: int | None = getattr(stats, percentile)
    return None if milliseconds is None else milliseconds / 1000


def _no_samples(snapshot: Snapshot) -> str:
    return "no task has completed with this latency"


def _state(snapshot: Snapshot) -> str | None:
    return snapshot.state


def _reason(snapshot: Snapshot) -> str:
    return str(snapshot.reason)


def _state_detail(snapshot: Snapshot) -> str:
    return f": {snapshot.reason}"


def _has_statuses(names: tuple[str, ...], source: TaskSource) -> bool:
    return all(source.statuses[name] for name in names)


def _records_created(source: TaskSource) -> bool:
    return source.records("created_at")


def _records_queued_age(source: TaskSource) -> bool:
    has_time = source.records("created_at") or source.records("due_at")
    return has_time and _has_statuses(("queued",), source)


def _records_latency(figure: str, source: TaskSource) -> bool:
    return figure not in unrecorded_latencies(source)


def _latency(figure: str, roles: tuple[str, ...], percentile: str) -> Reading:
    return Reading(
        partial(_percentile, figure, percentile),
        no_data=_no_samples,
        unit="s",
        needs=" or no ".join(dict.fromkeys((*roles, "completed_at"))),
        is_recorded=partial(_records_latency, figure),
    )


def _of_statuses(read: Callable[[Snapshot], Value | None], *names: str, **how: Any) -> Reading:
    """Return the reading of a figure that needs the source to have statuses."""
    has_statuses = partial(_has_statuses, names)
    return Reading(read, needs=f"{' or no '.join(names)} status", is_recorded=has_statuses, **how)


READINGS: Mapping[str, Reading] = {
    "failure_rate": _of_statuses(
        _failure_rate, "failed", "completed", detail=_failed_of_ended, most=1
    ),
    "queued_age": Reading(
        partial(_age, "queued"),
        no_data=partial(_no_age, "queued", "no due task is queued"),
        unit="s",
        needs="queued status, or no created_at and no due_at",
        is_recorded=_records_queued_age,
    ),
    "processing_age": _of_statuses(
        partial(_age, "processing"),
        "processing",
        no_data=partial(_no_age, "processing", "no task is processing"),
        unit="s",
    ),
    "queued": _of_statuses(partial(_backlog, "queued"), "queued"),
    "processing": _of_statuses(partial(_backlog, "processing"), "processing"),
    "created": Reading(
        partial(_count, "created"),
        needs="created_at",
        is_recorded=_records_created,
    ),
    "completed": _of_statuses(partial(_count, "completed"), "completed"),
    "failed": _of_statuses(partial(_count, "failed"), "failed"),
    **{
        f"{percentile}.{figure.removesuffix('_ms')}": _latency(figure, roles, percentile)
        for percentile in PERCENTILES
        for figure, roles in LATENCIES.items()
    },
    "state": _of_statuses(
        _state,
        "queued",
        "processing",
        no_data=_reason,
        detail=_state_detail,
        threshold=States,
    ),
}
"""By the names that TASK_METRICS_CHECKS has for them."""
