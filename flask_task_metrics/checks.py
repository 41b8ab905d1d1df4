"""The doctor's checks: each goes from a subject to what is wrong with it and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

import sqlalchemy as sa

from . import oddities, scans
from .conditions import bound_instant
from .dialects import a_second_of_work, coarse_columns, elapsed_ms, utc_now
from .exceptions import ConfigurationError, MetricsTimeout
from .indexes import missing_indexes
from .metric_log import logfmt
from .snapshot import Window
from .source import TIMESTAMPS, TaskSource
from .subject import Subject

CLOCK_TOLERANCE = timedelta(seconds=1)

TRIED_TIMEOUT_MS = 100
"""The statement timeout that a second of work is tried with."""

MOST_STATUSES = 100
"""How many values of the status column are asked after; what has more holds something else."""

Check: TypeAlias = Callable[[Subject], str]
"""From a subject to what is wrong and what to do; to nothing where all is well."""


def weak_secret(subject: Subject) -> str:
    """A secret that is missing or can be guessed."""
    weakness = subject.settings.weakness
    return f"{weakness}; set the output of `openssl rand -hex 24`" if weakness else ""


def unreadable_tasks(subject: Subject) -> str:
    """A table or a column that is not there or not for this user; raised as what the database says
    of it.
    """
    with subject.view() as connection:
        connection.execute(sa.select(subject.source.rows).limit(0))
    return ""


def unenforced_timeout(subject: Subject) -> str:
    """A statement timeout that is turned off, or that does not end what takes longer."""
    if not subject.settings.statement_timeout_ms:
        return (
            "TASK_METRICS_STATEMENT_TIMEOUT_MS is 0, so that a snapshot may load the database for "
            f"any time; leave it at {subject.timeout_ms}, or set another"
        )
    try:
        with subject.view(TRIED_TIMEOUT_MS) as connection:
            connection.execute(sa.select(a_second_of_work()))
    except MetricsTimeout:
        return ""
    return (
        f"a statement of a second went past a timeout of {TRIED_TIMEOUT_MS} ms; look for what "
        "resets it on the way, such as an event listener of the engine or a proxy"
    )


def clocks_apart(subject: Subject) -> str:
    """A database's clock that is ahead of or behind the application's."""
    with subject.view() as connection:
        before = datetime.now(timezone.utc)
        shown = _database_clock(connection, subject.now)
        # What was shown was so between the two readings, however long the answer took.
        after = datetime.now(timezone.utc)
    apart = max(before - shown, shown - after)
    if apart <= CLOCK_TOLERANCE:
        return ""
    direction = "behind" if shown < before else "ahead of"
    seconds = apart / timedelta(seconds=1)
    return f"the database's is {seconds:.1f} s {direction} the application's; set both by NTP"


def _database_clock(connection: sa.Connection, now: datetime) -> datetime:
    elapsed = connection.scalar(sa.select(elapsed_ms(bound_instant(now), utc_now())))
    return now + timedelta(milliseconds=elapsed or 0)


def lacking_indexes(subject: Subject) -> str:
    """Recommended indexes that are not there."""
    try:
        with subject.view() as connection:
            missing = missing_indexes(connection, subject.source)
    except ConfigurationError:
        # A view has no indexes, and for what is made of several tables none is recommended.
        return ""
    names = ", ".join(str(index.name) for index in missing)
    return f"missing: {names}; run `flask task-metrics indexes --apply`" if names else ""


def needless_scans(subject: Subject) -> str:
    """Queries of the default window whose plans read all of a large table."""
    window = Window.ending(subject.now, subject.settings.default_minutes)
    with subject.view() as connection:
        found = scans.needless_scans(connection, subject.source, window)
    named = ", ".join(f"{table} by {' and '.join(queries)}" for table, queries in found.items())
    return f"read whole: {named}; make the missing indexes, or ANALYZE the table" if found else ""


def unknown_statuses(subject: Subject) -> str:
    """Values of the status column that the mapping does not know."""
    with subject.view() as connection:
        values = list(_values_of_status(connection, subject.source))
        rows = connection.execute(
            oddities.unknown_statuses(subject.source, values, subject.day_ago)
        ).all()
    named = ", ".join(
        f"{'NULL' if row.status is None else logfmt(row.status)} in {row.tasks}" for row in rows
    )
    return f"not mapped: {named}; map them in TaskSource(statuses=…)" if rows else ""


def _values_of_status(connection: sa.Connection, source: TaskSource) -> Iterator[Any]:
    after = None
    for _ in range(MOST_STATUSES):
        after = connection.scalar(oddities.next_status(source, after))
        if after is None:
            return
        yield after


def missing_timestamps(subject: Subject) -> str:
    """Timestamps that completed tasks lack, and are for that in no figure of theirs."""
    rows = _rows(subject, oddities.missing_timestamps(subject.source, subject.day_ago))
    named = ", ".join(f"{row.timestamp} in {row.tasks}" for row in rows)
    return f"null in completed tasks: {named}; set each when the status changes" if rows else ""


def negative_durations(subject: Subject) -> str:
    """Durations that are negative, and so left out of the latencies."""
    rows = _rows(subject, oddities.negative_durations(subject.source, subject.day_ago))
    named = ", ".join(
        f"{row.duration} in {row.tasks}, such as {logfmt(row.example)}" for row in rows
    )
    return f"negative: {named}; set the workers' clocks by NTP" if rows else ""


def future_timestamps(subject: Subject) -> str:
    """Timestamps that the database's clock has not reached."""
    with subject.view() as connection:
        now = _database_clock(connection, subject.now).replace(microsecond=0)
        rows = connection.execute(
            oddities.future_timestamps(subject.source, subject.day_ago, now)
        ).all()
    named = ", ".join(
        f"{row.timestamp} in {row.tasks}, by up to {row.ahead_ms // 1000} s" for row in rows
    )
    return f"ahead: {named}; store UTC, not local time" if rows else ""


def strange_timestamps(subject: Subject) -> str:
    """Timestamps that can't be read, and may on SQLite stand in the order of text where no window
    comes upon them; raised as what the database says of them.
    """
    _rows(subject, oddities.newest_ages(subject.source, subject.now))
    return ""


def coarse_timestamps(subject: Subject) -> str:
    """Timestamps that lose their fractions of a second in the database."""
    columns = {
        role: column
        for role in TIMESTAMPS
        for column in subject.source.rows.c[role].base_columns
        if isinstance(column, sa.Column)
    }
    with subject.view() as connection:
        named = ", ".join(
            role
            for role, column in columns.items()
            if column.name in coarse_columns(connection, column.table)
        )
    return f"lost: {named}; give the columns six digits of a second" if named else ""


def _rows(subject: Subject, statement: sa.Select[Any]) -> list[Any]:
    with subject.view() as connection:
        return list(connection.execute(statement))
