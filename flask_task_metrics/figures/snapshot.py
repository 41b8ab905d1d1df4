"""The frozen values that make up a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from .window import Window

State: TypeAlias = Literal["stalled", "stuck", "idle", "working"]

STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class TaskCounts:
    """Tasks created in the window, and tasks of each status that were updated in it.

    `created` is None if the source does not record `created_at`.
    """

    created: int | None
    completed: int
    failed: int
    cancelled: int
    processing: int
    queued: int


@dataclass(frozen=True)
class TaskReference:
    """A task to look at, and the request that created it.

    `request_id` is None unless the source maps it and the task has one.
    """

    task_id: str
    request_id: str | None


@dataclass(frozen=True)
class BacklogCount:
    """Tasks that have one status now, however old.

    `oldest` is the task that began first (of equal ones, the one with the smallest id), and its age
    is in whole seconds. Both are None if no task has the timestamp that its age counts from.
    """

    count: int
    oldest_age_seconds: int | None
    oldest: TaskReference | None


@dataclass(frozen=True)
class ScheduledCount:
    """Queued tasks that are due later."""

    count: int


@dataclass(frozen=True)
class Backlog:
    """Tasks that wait and tasks that run now, whatever the window.

    `scheduled` is None unless the source maps `due_at`.
    """

    queued: BacklogCount
    processing: BacklogCount
    scheduled: ScheduledCount | None = None


@dataclass(frozen=True)
class LatencyStats:
    """Nearest-rank percentiles, maximum and mean of `samples` durations, in whole milliseconds.

    Without samples, all but `samples` are None.
    """

    p50: int | None
    p95: int | None
    p99: int | None
    max: int | None
    avg: int | None
    samples: int


@dataclass(frozen=True)
class Latency:
    """Waiting time, running time and total time of the tasks completed in the window.

    A latency is None if the source does not record `completed_at` or one of its two timestamps.
    """

    time_to_processing_ms: LatencyStats | None
    time_to_complete_ms: LatencyStats | None
    end_to_end_ms: LatencyStats | None


@dataclass(frozen=True)
class ErrorCount:
    """Failures with one error code in the window, and the latest one as a sample.

    `last_seen_at` is in UTC, whole seconds.

    In a comparison with the window before, `previous_count` is how often the code struck in that
    one, and `first_seen_at` when it first struck in either; otherwise both are None.
    """

    code: str
    count: int
    last_seen_at: datetime
    sample: TaskReference
    previous_count: int | None = None
    first_seen_at: datetime | None = None


@dataclass(frozen=True)
class PreviousFigures:
    """Figures of the window before, of the same length, as its tasks are now.

    A task is in one of the two windows alone. Figures that the source does not record are None,
    as in `TaskCounts` and `Latency`.
    """

    created: int | None
    completed: int
    failed: int
    cancelled: int
    latency: Latency


@dataclass(frozen=True)
class Group:
    """The figures of the tasks that have one value of a dimension.

    `value` is as the database stores it, such as an Enum's label. None is null or an empty text.
    """

    dimension: str
    value: str | int | bool | None
    tasks: TaskCounts
    backlog: Backlog
    latency: Latency
    top_errors: tuple[ErrorCount, ...] | None


@dataclass(frozen=True)
class OtherGroups:
    """The figures of all groups together that have no `Group` of their own."""

    tasks: TaskCounts
    backlog: Backlog
    latency: Latency
    top_errors: tuple[ErrorCount, ...] | None


@dataclass(frozen=True)
class Snapshot:
    """All figures of one window, read in one transaction.

    `state` is None if the source has no queued or no processing status, or does not record enough
    to tell it. `reason` has its figures as a sentence; it is None without these two statuses. Both
    are the same for every window that ends at one moment.

    `top_errors` is None if the source records neither `error_message` nor `error_code`. `previous`
    is None unless the snapshot was asked to compare.

    `groups` are the 20 with the most tasks created, failed and in the backlog together, and
    `group_count` is the number of all groups. Both are None unless the snapshot was asked to group.
    `other_groups` is None if no other task is in a figure.
    """

    window: Window
    state: State | None
    reason: str | None
    tasks: TaskCounts
    backlog: Backlog
    latency: Latency
    top_errors: tuple[ErrorCount, ...] | None
    previous: PreviousFigures | None = None
    groups: tuple[Group, ...] | None = None
    other_groups: OtherGroups | None = None
    group_count: int | None = None


def task_reference(task_id: object, request_id: object) -> TaskReference:
    """Return the reference to a task by its ids as the database returns them."""
    return TaskReference(str(task_id), None if request_id is None else str(request_id))
