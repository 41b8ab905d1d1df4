"""When a task is ready to be processed, and when that began."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import instant
from flask_task_metrics.source import TaskSource

from .parameters import instant_parameter


def is_due_later(source: TaskSource) -> sa.ColumnElement[bool]:
    """Return whether a task of a source with `due_at` is due after the window's end."""
    due_at = source.tasks.c.due_at
    # Comparisons with null are null, as is their negation.
    return sa.and_(due_at.is_not(None), instant(due_at) > instant_parameter("end"))


def ready_at(source: TaskSource) -> sa.ColumnElement[Any]:
    """Return the later of `created_at` and `due_at`; without one of them, the other."""
    tasks = source.tasks.c
    if not source.records("due_at"):
        return tasks.created_at
    is_created_last = sa.or_(
        tasks.due_at.is_(None), instant(tasks.due_at) <= instant(tasks.created_at)
    )
    return sa.case((is_created_last, tasks.created_at), else_=tasks.due_at)


def began_at(source: TaskSource) -> sa.ColumnElement[Any]:
    """Return `processing_at`, or `updated_at` where it is null or not recorded."""
    tasks = source.tasks.c
    if not source.records("processing_at"):
        return tasks.updated_at
    # MariaDB's COALESCE skips a zero date too.
    return sa.case((tasks.processing_at.is_(None), tasks.updated_at), else_=tasks.processing_at)
