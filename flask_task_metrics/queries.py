"""The figures' SQL: pure functions from a source and a window to a statement."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .dialects import UtcSecond, elapsed_ms, exact_text, group_key, not_before, unicode_text
from .snapshot import Window
from .source import TaskSource
from .statuses import STATUSES, Status, plain_type

PERCENTILES = (50, 95, 99)

MESSAGE_START_LENGTH = 1_000
"""How many characters of a message its code is read from; of one that begins with `{`, all."""


def count_tasks(source: TaskSource, window: Window) -> sa.Executable:
    """A row (figure, tasks, oldest_age_ms) for each of the counts: `created`, the statuses, and
    `backlog_…`.
    """
    tasks = source.rows.c
    in_window = not_before(tasks.updated_at, _second(window.start))
    started_at = sa.func.coalesce(tasks.processing_at, tasks.updated_at)
    return sa.union_all(
        _count("created", not_before(tasks.created_at, _second(window.start))),
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
    return sa.func.max(elapsed_ms(timestamp, _second(window.end)))


def has_status(source: TaskSource, status: Status) -> sa.ColumnElement[bool]:
    """Whether a task has a status now; texts are compared to the letter."""
    column = sa.type_coerce(source.rows.c.status, plain_type(source.rows.c.status.type))
    values = source.statuses[status]
    if not all(isinstance(value, str) for value in values):
        return column.in_(values)
    # The first of the two is for an index, the second for the letter.
    return sa.and_(column.in_(values), exact_text(column).in_(values))


def measure_latencies(source: TaskSource, window: Window) -> sa.Executable:
    """A row (figure, samples, total, p50, p95, p99, max) for each latency that has samples, in
    milliseconds.

    Equal durations are counted together first, which makes the sort behind the percentiles a small
    one.
    """
    tasks = source.rows.c
    completed = (
        has_status(source, "completed"),
        not_before(tasks.completed_at, _second(window.start)),
        tasks.processing_at.is_not(None),
        tasks.created_at.is_not(None),
    )
    durations = {
        "time_to_processing_ms": elapsed_ms(tasks.created_at, tasks.processing_at),
        "time_to_complete_ms": elapsed_ms(tasks.processing_at, tasks.completed_at),
        "end_to_end_ms": elapsed_ms(tasks.created_at, tasks.completed_at),
    }
    histogram = sa.union_all(
        *(
            sa.select(
                sa.literal(figure).label("figure"), ms.label("ms"), sa.func.count().label("tasks")
            )
            .where(*completed, ms >= 0)
            .group_by(ms)
            for figure, ms in durations.items()
        )
    ).subquery("histogram")
    return _nearest_ranks(histogram.c)


def _nearest_ranks(histogram: Any) -> sa.Executable:
    tasks = sa.func.sum(histogram.tasks)
    ranks = sa.select(
        histogram,
        tasks.over(partition_by=histogram.figure, order_by=histogram.ms).label("up_to"),
        tasks.over(partition_by=histogram.figure).label("samples"),
    ).subquery("ranks")
    ranked = ranks.c
    # sorted[n * p // 100] is the first duration that more than n * p / 100 samples do not exceed.
    percentiles = [
        sa.case((ranked.up_to * 100 > ranked.samples * percent, ranked.ms))
        for percent in PERCENTILES
    ]
    return sa.select(
        ranked.figure,
        sa.func.max(ranked.samples).label("samples"),
        sa.func.sum(ranked.ms * ranked.tasks).label("total"),
        *(
            sa.func.min(duration).label(f"p{percent}")
            for percent, duration in zip(PERCENTILES, percentiles, strict=True)
        ),
        sa.func.max(ranked.ms).label("max"),
    ).group_by(ranked.figure)


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
            sa.func.max(_since(window.start, source.rows.c.updated_at)).label("last_seen_ms"),
        )
        .where(*_failed_since(source, window.start))
        .group_by(group_key(code), group_key(message))
    )


def sample_error(
    source: TaskSource,
    since: datetime,
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
            *_failed_since(source, since),
            code_column.is_not_distinct_from(code),
            message_column.is_not_distinct_from(message),
        )
        .order_by(_since(since, tasks.updated_at).desc(), tasks.updated_at.desc(), tasks.id.desc())
        .limit(1)
    )


def every_query(source: TaskSource, window: Window) -> dict[str, sa.Executable]:
    """Each statement of a snapshot under the name of its function, to look at how a database plans
    it.
    """
    return {
        "count_tasks": count_tasks(source, window),
        "measure_latencies": measure_latencies(source, window),
        "count_errors": count_errors(source, window, whole_messages=False),
        "sample_error": sample_error(source, window.start, "", "", whole_messages=False),
    }


def _failed_since(source: TaskSource, second: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return has_status(source, "failed"), not_before(source.rows.c.updated_at, _second(second))


def _error(
    source: TaskSource, whole_messages: bool
) -> tuple[sa.ColumnElement[str], sa.ColumnElement[Any]]:
    """What a failed task's code is read from: the text of its code column, and of its message."""
    code = exact_text(source.rows.c.error_code)
    message = unicode_text(source.rows.c.error_message)
    start = exact_text(sa.func.substr(message, 1, MESSAGE_START_LENGTH))
    # A JSON object is read whole, and so is what may be one behind white space.
    may_be_json = sa.or_(start < "!", sa.and_(start >= "{", start < "|"))
    text = (
        exact_text(message)
        if whole_messages
        else sa.case((may_be_json, exact_text(message)), else_=start)
    )
    # A code that begins with a visible character needs no message, and then the messages' variety
    # need not be read.
    may_be_blank = sa.or_(code.is_(None), code < "!", code >= "\x7f")
    return code, sa.case((may_be_blank, text))


def _since(second: datetime, timestamp: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return elapsed_ms(_second(second), timestamp)


def _second(moment: datetime) -> sa.BindParameter[datetime]:
    return sa.bindparam(None, moment, type_=UtcSecond())
