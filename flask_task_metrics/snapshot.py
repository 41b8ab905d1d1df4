"""The frozen values that a snapshot consists of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from .exceptions import InvalidWindowError


@dataclass(frozen=True)
class Window:
    """The time span that a snapshot speaks of: from `start` on, `end` being the moment it was asked
    for (both UTC, whole seconds).
    """

    minutes: int
    start: datetime
    end: datetime

    @classmethod
    def ending(cls, now: datetime, minutes: int) -> Window:
        """The last `minutes` before `now`, cut down to the whole second.

        Raises `InvalidWindowError` where `now` has no time zone.
        """
        if now.tzinfo is None:
            raise InvalidWindowError(
                f"now is {now!r}, which has no time zone; pass an aware datetime, in UTC for one"
            )
        end = now.astimezone(timezone.utc).replace(microsecond=0)
        return cls(minutes, end - timedelta(minutes=minutes), end)


@dataclass(frozen=True)
class TaskCounts:
    """How many tasks were created in the window, and how many came to each status in it."""

    created: int
    completed: int
    failed: int
    cancelled: int
    processing: int
    queued: int


@dataclass(frozen=True)
class BacklogCount:
    """How many tasks are in one status now, however old; the age in whole seconds, None where there
    is none.
    """

    count: int
    oldest_age_seconds: int | None


@dataclass(frozen=True)
class Backlog:
    """What waits and what runs now, whatever the window."""

    queued: BacklogCount
    processing: BacklogCount


@dataclass(frozen=True)
class LatencyStats:
    """Nearest-rank percentiles, maximum and mean of `samples` durations, in whole milliseconds; all
    None without samples.
    """

    p50: int | None
    p95: int | None
    p99: int | None
    max: int | None
    avg: int | None
    samples: int


@dataclass(frozen=True)
class Latency:
    """How long the tasks completed in the window waited, ran, and took in all."""

    time_to_processing_ms: LatencyStats
    time_to_complete_ms: LatencyStats
    end_to_end_ms: LatencyStats


@dataclass(frozen=True)
class ErrorSample:
    """The task that failed last with a code, and the request that created it where the source maps
    that.
    """

    task_id: str
    request_id: str | None


@dataclass(frozen=True)
class ErrorCount:
    """How often one error code struck in the window, when last (UTC, whole seconds), and one task
    to look at.
    """

    code: str
    count: int
    last_seen_at: datetime
    sample: ErrorSample


@dataclass(frozen=True)
class Snapshot:
    """All figures of one window, read from one consistent view of the database."""

    window: Window
    tasks: TaskCounts
    backlog: Backlog
    latency: Latency
    top_errors: tuple[ErrorCount, ...]
