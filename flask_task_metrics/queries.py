"""The figures' SQL: pure functions from a source and a window to a statement."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .dialects import (
    Instant,
    UtcSecond,
    elapsed_ms,
    exact_text,
    group_key,
    instant,
    measure,
    not_before,
    read_once,
    unicode_text,
)
from .snapshot import Window
from .source import TaskSource
from .statuses import STATUSES, Status, plain_type

FROM_START_TO_END = ("created_at", "processing_at", "completed_at")

LATENCIES = {
    "time_to_processing_ms": ("created_at", "processing_at"),
    "time_to_complete_ms": ("processing_at", "completed_at"),
    "end_to_end_ms": ("created_at", "completed_at"),
}

MESSAGE_START_LENGTH = 1_000
"""How many characters of a message its code is read from; of one that begins with `{`, all."""


def count_tasks(source: TaskSource, window: Window) -> sa.Executable:
    """A row (figure, tasks, oldest_age_ms) for each of the counts: `created`, the statuses, and
    `backlog_…`.
    """
    tasks = source.rows.c
    in_window = is_since(tasks.updated_at, window.start)
    started_at = sa.func.coalesce(tasks.processing_at, tasks.updated_at)
    return sa.union_all(
        _count("created", is_since(tasks.created_at, window.start)),
        *(_count(status, has_status(source, status), in_window) for status in STATUSES),
        _count(
            "backlog_queued", has_status(source, "queued"), oldest=_age(tasks.created_at, window)
        ),
        _count(
            "backlog_processing", has_status(source, "processing"), oldest=_age(started_at, window)
        ),
    )


def _count(
    figure: str, *conditions: sa.ColumnElement[bool], oldest: sa.ColumnElement[Any] | None = None
) -> sa.Select[Any]:
    no_age = sa.cast(sa.null(), sa.BigInteger)
    return sa.select(
        sa.literal(figure).label("figure"),
        sa.func.count().label("tasks"),
        (no_age if oldest is None else oldest).label("oldest_age_ms"),
    ).where(*conditions)


def _age(timestamp: sa.ColumnElement[Any], window: Window) -> sa.ColumnElement[int]:
    return sa.func.max(elapsed_ms(timestamp, bound_instant(window.end)))


def has_status(source: TaskSource, status: Status) -> sa.ColumnElement[bool]:
    """Whether a task has a status now; texts are compared to the letter."""
    column = sa.type_coerce(source.rows.c.status, plain_type(source.rows.c.status.type))
    values = source.statuses[status]
    if not all(isinstance(value, str) for value in values):
        return column.in_(values)
    # The first of the two is for an index, the second for the letter.
    return sa.and_(column.in_(values), exact_text(column).in_(values))


def is_since(timestamp: sa.ColumnElement[Any], second: datetime) -> sa.ColumnElement[bool]:
    """Whether a timestamp is at a whole second or later."""
    timezone = getattr(plain_type(timestamp.type), "timezone", True)
    return not_before(timestamp, sa.bindparam(None, second, type_=UtcSecond(timezone)))


def measure_latencies(source: TaskSource, window: Window, dialect: sa.Dialect) -> sa.Executable:
    """A row (figure, samples, total, p50, p95, p99, max) for each latency, in milliseconds; one
    without samples may be left out.
    """
    tasks = source.rows.c
    completed: Any = sa.select(
        *(instant(tasks[role]).label(role) for role in FROM_START_TO_END)
    ).where(
        has_status(source, "completed"),
        is_since(tasks.completed_at, window.start),
        tasks.processing_at.is_not(None),
        tasks.created_at.is_not(None),
    )
    at = read_once(completed).c
    durations: Any = sa.select(
        *(
            elapsed_ms(at[start], at[end]).label(figure)
            for figure, (start, end) in LATENCIES.items()
        )
    )
    return measure(durations, dialect)


def count_errors(source: TaskSource, window: Window, *, whole_messages: bool) -> sa.Executable:
    """A row (code, message, tasks, last_seen_ms after the window's start) for each way in which
    tasks failed.

    Messages alike in their first `MESSAGE_START_LENGTH` characters are one row, unless
    `whole_messages` are wanted.
    """
    code, message = _error(source, whole_messages)
    return (
        sa.select(
            sa.func.min(code).label("code"),
            sa.func.min(message).label("message"),
            sa.func.count().label("tasks"),
            sa.func.max(_ms_since(window.start, source.rows.c.updated_at)).label("last_seen_ms"),
        )
        .where(*_failed_since(source, window.start))
        .group_by(group_key(code), group_key(message))
    )


def sample_error(
    source: TaskSource,
    second: datetime,
    code: str | None,
    message: str | None,
    *,
    whole_messages: bool,
) -> sa.Executable:
    """The row (id, request_id) of the task that failed last with a code and message of
    `count_errors`.
    """
    tasks = source.rows.c
    code_column, message_column = _error(source, whole_messages)
    return (
        sa.select(tasks.id, tasks.request_id)
        .where(
            *_failed_since(source, second),
            code_column.is_not_distinct_from(code),
            message_column.is_not_distinct_from(message),
        )
        .order_by(
            _ms_since(second, tasks.updated_at).desc(),
            tasks.updated_at.desc(),
            tasks.id.desc(),
        )
        .limit(1)
    )


def every_query(
    source: TaskSource, window: Window, dialect: sa.Dialect
) -> dict[str, sa.Executable]:
    """Each statement of a snapshot under the name of its function, to look at how a database plans
    it.
    """
    return {
        "count_tasks": count_tasks(source, window),
        "measure_latencies": measure_latencies(source, window, dialect),
        "count_errors": count_errors(source, window, whole_messages=False),
        "sample_error": sample_error(source, window.start, None, "", whole_messages=False),
    }


def _failed_since(source: TaskSource, second: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return has_status(source, "failed"), is_since(source.rows.c.updated_at, second)


def _error(
    source: TaskSource, whole_messages: bool
) -> tuple[sa.ColumnElement[str], sa.ColumnElement[Any]]:
    """What a failed task's code is read from: the text of its code column, and of its message."""
    code = exact_text(source.rows.c.error_code)
    message = unicode_text(source.rows.c.error_message)
    whole = exact_text(message)
    start = exact_text(sa.func.substr(message, 1, MESSAGE_START_LENGTH))
    # A JSON object is read whole, and so is what may be one behind white space.
    may_be_json = sa.or_(whole < "!", sa.and_(whole >= "{", whole < "|"))
    text = whole if whole_messages else sa.case((may_be_json, whole), else_=start)
    # A code that begins with a visible character needs no message, and then the messages' variety
    # need not be read.
    may_be_blank = sa.or_(code.is_(None), code < "!", code >= "\x7f")
    return code, sa.case((may_be_blank, text))


def _ms_since(second: datetime, timestamp: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return elapsed_ms(bound_instant(second), timestamp)


def bound_instant(moment: datetime) -> sa.BindParameter[datetime]:
    """A whole second to subtract from."""
    return sa.bindparam(None, moment, type_=Instant())
