"""The tasks of a busy backend up to a fixed moment, the same in every run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import chain, islice, product
from random import Random
from typing import NamedTuple, TypeAlias

from .messages import failure_message

NOW = datetime(2026, 1, 30, 10, 0, tzinfo=timezone.utc)
"""All snapshots are taken at this moment, so that a loaded table never goes stale."""

TASKS_PER_HOUR = 62_500
"""60 minutes hold 50,000 completed tasks, and 24 hours 1.2 million."""

COMPLETED_RATE, FAILED_RATE = 0.8, 0.1
"""The other tasks are cancelled."""

WAIT_MU, WAIT_SIGMA = math.log(5), 0.8
RUN_MU, RUN_SIGMA = math.log(25), 0.6
"""Log-normal seconds. Broad, because durations that differ are harder to rank."""

END = NOW.replace(tzinfo=None)
HOUR = timedelta(hours=1)

ENGINES = ("aurora-2", "aurora-2-turbo", "cinema-1")
PROMPTS = tuple(
    ", ".join(parts)
    for parts in product(
        (
            "A lighthouse in a storm, with waves that break as high as its lamp",
            "Paper boats on a river at dawn, drifting by a town that still sleeps",
            "A night train through snow, its windows the only light in the valley",
            "Bread baking, seen from inside the oven, until the crust breaks open",
            "A city growing from a single seed, street by street and roof by roof",
        ),
        ("seen from a slow crane", "in one long take from the hand", "from high above, turning"),
        ("in the last warm light of the day", "under a low grey sky", "lit by lanterns alone"),
        ("as a hand-painted animation", "on grainy 16 mm film", "in the style of a woodcut"),
    )
)


class Task(NamedTuple):
    """A row without its id; the database assigns that."""

    engine: str
    prompt: str
    request_id: str
    created_at: datetime
    status: str
    processing_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime
    error_message: str | None


Course: TypeAlias = tuple[str, datetime | None, datetime | None, datetime, str | None]
"""The columns that change in a task's life: those from `status` on."""


def last_tasks(count: int) -> Iterator[Task]:
    """Yield the last tasks before `NOW`, in the order of their creation.

    A larger count puts older tasks before them, so the same window is the same in every table.
    """
    hours = math.ceil(count / TASKS_PER_HOUR)
    tasks = chain.from_iterable(_hour_of_tasks(hour) for hour in range(hours, 0, -1))
    return islice(tasks, hours * TASKS_PER_HOUR - count, None)


def _hour_of_tasks(hours_ago: int) -> Iterator[Task]:
    rng = Random(f"hour {hours_ago}")
    start = END - hours_ago * HOUR
    for share in sorted(rng.random() for _ in range(TASKS_PER_HOUR)):
        yield _task(start + HOUR * share, rng)


def _task(created_at: datetime, rng: Random) -> Task:
    processing_at = created_at + timedelta(seconds=rng.lognormvariate(WAIT_MU, WAIT_SIGMA))
    ended_at = processing_at + timedelta(seconds=rng.lognormvariate(RUN_MU, RUN_SIGMA))
    course = _course(created_at, processing_at, ended_at, rng)
    pick = int(rng.random() * len(PROMPTS))
    request_id = f"req_{rng.getrandbits(128):032x}"
    return Task(ENGINES[pick % len(ENGINES)], PROMPTS[pick], request_id, created_at, *course)


def _course(
    created_at: datetime, processing_at: datetime, ended_at: datetime, rng: Random
) -> Course:
    """Return how far a task has come at `NOW`, and how it ended."""
    chance = rng.random()
    if processing_at > END:
        return "queued", None, None, created_at, None
    if ended_at > END:
        return "processing", processing_at, None, processing_at, None
    if chance < COMPLETED_RATE:
        return "completed", processing_at, ended_at, ended_at, None
    if chance < COMPLETED_RATE + FAILED_RATE:
        return "failed", processing_at, None, ended_at, failure_message(rng)
    return "cancelled", processing_at, None, ended_at, None
