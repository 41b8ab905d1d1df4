"""The state of the tasks and its reason, from numbers alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from .snapshot import Backlog, BacklogCount, State


@dataclass(frozen=True)
class Limits:
    """The seconds after which a backlog counts as stalled, and a processing task as stuck."""

    stalled_seconds: int
    stuck_seconds: int


@dataclass(frozen=True)
class Signs:
    """The number of stuck processing tasks, and the time since any task ended.

    `since_last_end` is None if no task has ended in the time `looked_back`. `records_ends` is False
    for a source without completed tasks, such as one that deletes them.
    """

    stuck: int
    since_last_end: timedelta | None
    looked_back: timedelta
    records_ends: bool = True


def state_of(backlog: Backlog, signs: Signs, limits: Limits) -> State | None:
    """Return the state; None if it depends on an age or an end that is not recorded.

    For example tasks are queued and nothing has ended, but no task has a `created_at`: they may
    have come just now, or have waited for hours.
    """
    processing = backlog.processing
    if backlog.queued.count == processing.count == 0:
        return "idle"
    if _has_no_age(processing):
        return None
    is_stalled = _is_stalled(backlog, signs, limits)
    if is_stalled:
        return "stalled"
    if signs.stuck:
        return "stuck"
    return "working" if is_stalled is False else None


def _is_stalled(backlog: Backlog, signs: Signs, limits: Limits) -> bool | None:
    """Return whether due tasks wait and nothing moves; None if that can't be known."""
    queued = backlog.queued
    age = queued.oldest_age_seconds
    conditions = (
        queued.count > 0,
        None if age is None else age >= limits.stalled_seconds,
        _nothing_ended(signs, limits),
        signs.stuck == backlog.processing.count,
    )
    if False in conditions:
        return False
    return None if None in conditions else True


def _nothing_ended(signs: Signs, limits: Limits) -> bool | None:
    since, stalled = signs.since_last_end, timedelta(seconds=limits.stalled_seconds)
    if since is not None and since <= stalled:
        return False
    return True if signs.records_ends else None


def _has_no_age(count: BacklogCount) -> bool:
    return count.count > 0 and count.oldest_age_seconds is None


def reason_of(backlog: Backlog, signs: Signs, limits: Limits) -> str:
    """Return the figures behind the state as a sentence: `12 due tasks are queued, the oldest for
    14 min; nothing has ended for 9 min; nothing is being processed`.
    """
    clauses = (
        _queued(backlog.queued),
        _ended(signs, limits),
        _processing(backlog.processing, signs.stuck, limits),
    )
    return "; ".join(clauses)


def _queued(queued: BacklogCount) -> str:
    if queued.count == 0:
        return "no due task is queued"
    return _aged("due task is queued", "due tasks are queued", queued)


def _ended(signs: Signs, limits: Limits) -> str:
    since = signs.since_last_end
    if since is not None and _nothing_ended(signs, limits) is False:
        return f"the last task ended {_age(since)} ago"
    if not signs.records_ends:
        return "completed tasks are not recorded"
    if since is not None:
        return f"nothing has ended for {_age(since)}"
    return f"nothing has ended in the last {_age(signs.looked_back)}"


def _age(time: timedelta) -> str:
    return age_text(int(time.total_seconds()))


def _processing(processing: BacklogCount, stuck: int, limits: Limits) -> str:
    if processing.count == 0:
        return "nothing is being processed"
    clause = _aged("task is being processed", "tasks are being processed", processing)
    if stuck == 0 or processing.count == 1:
        return clause
    some = "all" if stuck == processing.count else f"{stuck} of them"
    return f"{clause}, {some} for more than {age_text(limits.stuck_seconds)}"


def _aged(one: str, several: str, count: BacklogCount) -> str:
    """Return a clause on a backlog: `1 due task is queued, for 14 min`."""
    clause = f"{count.count} {one if count.count == 1 else several}"
    if count.oldest_age_seconds is None:
        return f"{clause}, no age is recorded"
    oldest = "" if count.count == 1 else "the oldest "
    return f"{clause}, {oldest}for {age_text(count.oldest_age_seconds)}"


def age_text(seconds: int) -> str:
    """Return an age in one unit, cut to the whole: `41 s`, `14 min`, `3 h`, `4 days`.

    Below 0 it is `0 s`.
    """
    if seconds < 120:
        return f"{max(0, seconds)} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min"
    if seconds < 2 * 86_400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86_400} days"
