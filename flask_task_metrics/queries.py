"""The figures' SQL: pure functions from a source and a window to a statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .conditions import bound, bound_instant, has_status, is_since
from .dialects import EXACT_TEXT, elapsed_ms, exact_text, group_key, instant, unicode_text
from .latencies import measure_latencies, sample_latencies
from .snapshot import Window
from .source import TaskSource
from .statuses import STATUSES

MESSAGE_START_LENGTH = 1_000
"""How many characters of a message its code is read from; of one that begins with `{`, all."""


def count_tasks(source: TaskSource, window: Window) -> sa.Executable:
    """A row (figure, tasks, oldest_age_ms) for each of the counts: `created`, the statuses, and
    `backlog_…`.
    """
    tasks = source.rows.c
    in_window = is_since(tasks.updated_at, window.start, "start")
    started_at = sa.func.coalesce(tasks.processing_at, tasks.updated_at)
    return sa.union_all(
        _count("created", is_since(tasks.created_at, window.start, "start")),
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
    return sa.func.max(elapsed_ms(timestamp, bound_instant(window.end, "end")))


def count_errors(source: TaskSource, window: Window, *, whole_messages: bool) -> sa.Executable:
    """A row (code, message, tasks, last_seen_ms after the window's start) for each way in which
    tasks failed.

    Messages alike in their first `MESSAGE_START_LENGTH` characters are one row, unless
    `whole_messages` are wanted.
    """
    code, message = _error(source, whole_messages)
    last_seen = sa.func.max(instant(source.rows.c.updated_at))
    return (
        sa.select(
            sa.func.min(code).label("code"),
            sa.func.min(message).label("message"),
            sa.func.count().label("tasks"),
            elapsed_ms(bound_instant(window.start, "start"), last_seen).label("last_seen_ms"),
        )
        .where(
            has_status(source, "failed"),
            is_since(source.rows.c.updated_at, window.start, "start"),
        )
        .group_by(group_key(code), group_key(message))
    )


def sample_error(source: TaskSource, window: Window, *, whole_messages: bool) -> sa.Executable:
    """The row (id, request_id) of the task that failed last with a `code` and `message` of
    `count_errors`, none of them before the second `seen`.
    """
    tasks = source.rows.c
    code, message = _error(source, whole_messages)
    return (
        sa.select(tasks.id, tasks.request_id)
        .where(
            has_status(source, "failed"),
            is_since(tasks.updated_at, window.start, "seen"),
            code.is_not_distinct_from(bound("code", None, EXACT_TEXT)),
            message.is_not_distinct_from(bound("message", "", EXACT_TEXT)),
        )
        .order_by(
            elapsed_ms(bound_instant(window.start, "seen"), tasks.updated_at).desc(),
            tasks.updated_at.desc(),
            tasks.id.desc(),
        )
        .limit(1)
    )


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


@dataclass(frozen=True)
class Statements:
    """All statements of a snapshot.

    They are built once and run with the `parameters` of any window, since building them takes about
    as long as PostgreSQL takes to answer for an hour.
    """

    count_tasks: sa.Executable
    sample_latencies: sa.Executable | None
    measure_latencies: sa.Executable
    count_errors: sa.Executable
    sample_error: sa.Executable

    @classmethod
    def of(
        cls, source: TaskSource, window: Window, dialect: sa.Dialect, *, whole_messages: bool
    ) -> Statements:
        """The statements for a source in a database; for this window they need no parameters."""
        return cls(
            count_tasks(source, window),
            sample_latencies(source, window, dialect),
            measure_latencies(source, window, dialect),
            count_errors(source, window, whole_messages=whole_messages),
            sample_error(source, window, whole_messages=whole_messages),
        )

    def every(self) -> dict[str, sa.Executable]:
        """Each statement under its name, to look at how the database plans it."""
        return {name: statement for name, statement in vars(self).items() if statement is not None}
