"""The failed tasks of a window: how many there are of each text, and the newest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import (
    both_ends,
    computed_once,
    elapsed_us,
    exact_text,
    first_characters,
    group_key,
    group_text,
    instant,
    materialized,
    sent_text,
    unicode_text,
)
from flask_task_metrics.source import GROUP, LONG_LENGTH, START_LENGTH, TRACEBACK, TaskSource

from .parameters import instant_parameter, moments_parameter
from .predicates import IsWithin, has_status, is_in_window


def count_failures(
    source: TaskSource,
    is_within: IsWithin = is_in_window,
    *,
    with_oldest: bool = False,
    by: Sequence[sa.Label[Any]] = (),
) -> sa.Executable:
    """Select a row (code, message, tasks, oldest_us, newest_us) for each code column's value and
    readable part of a message of tasks that failed within a time span.

    The oldest and the newest failure are in microseconds after the window's start. `oldest_us` is 0
    unless it is asked for. The columns `by` tell groups of failures apart: they come last, and the
    rows of a group follow each other.
    """
    failed = _failed_tasks(source, is_within(source, "updated_at"), by=by).c
    groups = [failed[column.name] for column in by]
    failed_at, start = instant(failed.updated_at), instant_parameter("start")
    oldest: Any = elapsed_us(start, sa.func.min(failed_at)) if with_oldest else sa.literal(0)
    texts = _texts(source, failed)
    sent: dict[str, Any] = {name: sent_text(group_text(text)) for name, text in texts.items()}
    rows = sa.select(
        sent.get("code", sa.null()).label("code"),
        sent.get("message", sa.null()).label("message"),
        sa.func.count().label("tasks"),
        oldest.label("oldest_us"),
        elapsed_us(start, sa.func.max(failed_at)).label("newest_us"),
        *groups,
    )
    return rows.group_by(*map(group_key, texts.values()), *groups).order_by(*groups)


def count_failures_with_newest(source: TaskSource) -> sa.Executable:
    """Select the rows of `count_failures` in the window, each with the `id` and `request_id` of the
    newest task, and a `number` that is greater for newer ones.

    Of equally new tasks, the one with the greatest id counts. Sorting all messages is dear, but
    saves a statement of its own for the samples.
    """
    failed = _failed_tasks(source, is_in_window(source, "updated_at"), by=()).c
    moment, start = instant(failed.updated_at), instant_parameter("start")
    text: Any = tuple(map(group_key, _texts(source, failed).values()))
    oldest_first = (moment, failed.id)
    newest_first = (moment.desc(), failed.id.desc())
    number = sa.func.row_number(type_=sa.BigInteger()).over(order_by=oldest_first)
    rank = sa.func.row_number().over(partition_by=text, order_by=newest_first)
    ranked: Any = sa.select(
        *failed,
        sa.func.count().over(partition_by=text).label("tasks"),
        sa.func.min(moment).over(partition_by=text).label("oldest"),
        moment.label("newest"),
        number.label("number"),
        rank.label("rank"),
    )
    rows = ranked.subquery().c
    return sa.select(
        sent_text(rows.code).label("code"),
        sent_text(rows.message).label("message"),
        rows.tasks,
        elapsed_us(start, rows.oldest).label("oldest_us"),
        elapsed_us(start, rows.newest).label("newest_us"),
        rows.number,
        rows.id,
        rows.request_id,
    ).where(rows.rank == 1)


def newest_failures(source: TaskSource, by: Sequence[sa.Label[Any]] = ()) -> sa.Executable:
    """Select a row (code, message, id, request_id) for each code column's value and readable part
    of a message of the tasks that failed at given moments. The columns `by` come last, and tell
    groups of failures apart.

    The newest comes first; of equal ones, the one with the greatest id.
    """
    updated_at = source.tasks.c.updated_at
    is_wanted = instant(updated_at).in_(moments_parameter("moments", updated_at))
    failed = _failed_tasks(source, is_in_window(source, "updated_at"), is_wanted, by=by).c
    groups = [failed[column.name] for column in by]
    moment = instant(failed.updated_at)
    # Many tasks may have failed at one moment, such as those of a bulk update.
    rank = sa.func.row_number().over(
        partition_by=(*map(group_key, _texts(source, failed).values()), moment, *groups),
        order_by=failed.id.desc(),
    )
    ranked = sa.select(*failed, moment.label("moment"), rank.label("rank")).subquery().c
    return (
        sa.select(
            sent_text(ranked.code).label("code"),
            sent_text(ranked.message).label("message"),
            ranked.id,
            ranked.request_id,
            *(ranked[column.name] for column in by),
        )
        .where(ranked.rank == 1)
        .order_by(ranked.moment.desc(), ranked.id.desc())
    )


def _failed_tasks(
    source: TaskSource, *conditions: sa.ColumnElement[bool], by: Sequence[sa.Label[Any]]
) -> sa.Subquery:
    """Select failed tasks that meet conditions, with the texts that error codes are read from."""
    failed = materialized(_starts(source, *conditions, by=by)).c
    readable = _readable_part(failed.message, failed.start)
    if source.records("error_code"):
        # A code that begins with a visible character needs no message, and skipping the message
        # saves reading its many variants.
        may_be_blank = sa.or_(failed.code.is_(None), failed.code < "!", failed.code >= "\x7f")
        readable = sa.case((may_be_blank, readable))
    texts: Any = sa.select(
        failed.id,
        failed.request_id,
        failed.updated_at,
        failed.code,
        readable.label("message"),
        *(failed[column.name] for column in by),
    )
    return computed_once(texts)


def _texts(source: TaskSource, failed: Any) -> dict[str, sa.ColumnElement[str]]:
    """Return the texts of `_failed_tasks` that the source records."""
    # Grouping by a null takes time, too.
    roles = {"code": "error_code", "message": "error_message"}
    return {name: failed[name] for name, role in roles.items() if source.records(role)}


def _starts(
    source: TaskSource, *conditions: sa.ColumnElement[bool], by: Sequence[sa.Label[Any]]
) -> Any:
    tasks = source.tasks.c
    code = first_characters(unicode_text(tasks.error_code), START_LENGTH)
    message = unicode_text(tasks.error_message)
    return sa.select(
        tasks.id,
        tasks.request_id,
        tasks.updated_at,
        exact_text(code).label("code"),
        exact_text(first_characters(message, START_LENGTH)).label("start"),
        message.label("message"),
        *by,
    ).where(has_status(source, "failed"), *conditions)


def _readable_part(message: Any, start: Any) -> sa.ColumnElement[str]:
    """Return as much of a message as `error_codes.readable_part` needs, and little more."""
    # A JSON object or a traceback may stand behind white space.
    needs_both_ends = sa.or_(start < "!", _begins_with(start, TRACEBACK))
    needs_more = sa.or_(_begins_with(start, "{"), _begins_with(start, GROUP))
    return sa.case(
        (needs_both_ends, exact_text(both_ends(message, LONG_LENGTH))),
        (needs_more, exact_text(first_characters(message, LONG_LENGTH))),
        else_=start,
    )


def _begins_with(text: Any, prefix: str) -> sa.ColumnElement[bool]:
    beyond = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return sa.and_(text >= prefix, text < beyond)
