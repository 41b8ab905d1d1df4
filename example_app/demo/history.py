"""A believable past: tasks of the last 24 hours, as if the backend had run all the time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeAlias

import sqlalchemy as sa

from example_app.models import VideoTask, db
from example_app.rendering import ENGINES, FAILURE_RATE, failure_message, render_seconds

Row: TypeAlias = dict[str, Any]

MINUTES = 24 * 60
TASKS = 3000
CANCELLED_RATE = 0.03
BACKLOG = timedelta(minutes=2)
"""The queueing time of the present moment: tasks younger than that are still queued."""

SCENES = (
    "A lighthouse in a storm",
    "Paper boats on a river at dawn",
    "A night train through snow",
    "Bread baking, seen from inside the oven",
    "A city growing from a single seed",
)


def insert_last_day(now: datetime, rng: Random) -> Sequence[VideoTask]:
    """Insert the tasks of the 24 hours before `now` into an empty table, and return them."""
    db.session.execute(sa.insert(VideoTask), last_day(now, rng))
    db.session.commit()
    return db.session.scalars(sa.select(VideoTask)).all()


def last_day(now: datetime, rng: Random, count: int = TASKS) -> list[Row]:
    """Return rows for the 24 hours before `now`, the oldest first.

    Equal `now` and equal `rng` give equal rows.
    """
    rhythm = [_rhythm(now - timedelta(minutes=minute)) for minute in range(MINUTES)]
    minutes = rng.choices(range(MINUTES), rhythm, k=count)
    ages = sorted((timedelta(minutes=minute + rng.random()) for minute in minutes), reverse=True)
    return [_task(now, now - age, rng) for age in ages]


def _rhythm(moment: datetime) -> float:
    """Return the relative load at a time of the day: highest at 16:00, lowest at 4:00."""
    hours = moment.hour + moment.minute / 60
    return 1 + 0.7 * math.cos((hours - 16) / 24 * math.tau)


def _task(now: datetime, created_at: datetime, rng: Random) -> Row:
    processing_at = created_at + timedelta(seconds=rng.lognormvariate(math.log(5), 0.6))
    ended_at = processing_at + timedelta(seconds=render_seconds(rng))
    queued = {
        "status": "queued",
        "engine": rng.choice(ENGINES),
        "prompt": rng.choice(SCENES),
        "request_id": request_id(rng),
        "created_at": created_at,
        "processing_at": None,
        "completed_at": None,
        "updated_at": created_at,
        "error_message": None,
    }
    if created_at > now - BACKLOG or ended_at > now:
        return queued
    return queued | {"processing_at": processing_at, "updated_at": ended_at} | _end(ended_at, rng)


def request_id(rng: Random) -> str:
    """Return a request id of the form that the package gives to requests."""
    return f"req_{rng.getrandbits(128):032x}"


def _end(ended_at: datetime, rng: Random) -> Row:
    chance = rng.random()
    if chance < FAILURE_RATE:
        return {"status": "failed", "error_message": failure_message(rng)}
    if chance < FAILURE_RATE + CANCELLED_RATE:
        return {"status": "cancelled"}
    return {"status": "completed", "completed_at": ended_at}
