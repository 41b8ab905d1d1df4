"""A believable past: the tasks of the last 24 hours, as if the backend had run all the time."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeAlias

import sqlalchemy as sa

from .models import VideoTask, db
from .rendering import ENGINES, FAILURE_RATE, failure_message, render_seconds

Row: TypeAlias = dict[str, Any]

MINUTES = 24 * 60
TASKS = 3000
CANCELLED_RATE = 0.03
BACKLOG = timedelta(minutes=2)
"""How long the queue of the present moment is: younger tasks still wait."""

SCENES = (
    "A lighthouse in a storm",
    "Paper boats on a river at dawn",
    "A night train through snow",
    "Bread baking, seen from inside the oven",
    "A city growing from a single seed",
)


def seed_if_empty(now: datetime, rng: Random) -> int:
    """Insert the last 24 hours before `now` into an empty table; return how many tasks that were, 0
    where the table had some of its own.
    """
    if db.session.execute(sa.select(VideoTask.id).limit(1)).first():
        return 0
    rows = last_day(now, rng)
    db.session.execute(sa.insert(VideoTask), rows)
    db.session.commit()
    return len(rows)


def last_day(now: datetime, rng: Random, count: int = TASKS) -> list[Row]:
    """The tasks of the 24 hours before `now`, the oldest first; the same again for the same `rng`
    and `now`.
    """
    rhythm = [_rhythm(now - timedelta(minutes=minute)) for minute in range(MINUTES)]
    minutes = rng.choices(range(MINUTES), rhythm, k=count)
    ages = sorted((timedelta(minutes=minute + rng.random()) for minute in minutes), reverse=True)
    return [_task(now, now - age, rng) for age in ages]


def _rhythm(moment: datetime) -> float:
    """How busy a time of the day is, compared to others: most at 16:00, least at 4:00."""
    hours = moment.hour + moment.minute / 60
    return 1 + 0.7 * math.cos((hours - 16) / 24 * math.tau)


def _task(now: datetime, created_at: datetime, rng: Random) -> Row:
    processing_at = created_at + timedelta(seconds=rng.lognormvariate(math.log(5), 0.6))
    ended_at = processing_at + timedelta(seconds=render_seconds(rng))
    queued = {
        "status": "queued",
        "engine": rng.choice(ENGINES),
        "prompt": rng.choice(SCENES),
        "request_id": f"req_{rng.getrandbits(128):032x}",
        "created_at": created_at,
        "processing_at": None,
        "completed_at": None,
        "updated_at": created_at,
        "error_message": None,
    }
    if created_at > now - BACKLOG or ended_at > now:
        return queued
    return queued | {"processing_at": processing_at, "updated_at": ended_at} | _end(ended_at, rng)


def _end(ended_at: datetime, rng: Random) -> Row:
    chance = rng.random()
    if chance < FAILURE_RATE:
        return {"status": "failed", "error_message": failure_message(rng)}
    if chance < FAILURE_RATE + CANCELLED_RATE:
        return {"status": "cancelled"}
    return {"status": "completed", "completed_at": ended_at}
