"""The tasks of a derived source that the figures of a window are about."""

from __future__ import annotations

import sqlalchemy as sa

from flask_task_metrics.source import ENDED, TaskSource

from .predicates import has_status, is_in_window


def relevant_tasks(source: TaskSource) -> TaskSource:
    """Return the source of the tasks that are open, or that something happened to in the window.

    They are few, and every database but MariaDB computes them once for all figures of a statement.
    A source that is not derived stays as it is: its indexes lead to them.
    """
    if not source.is_derived:
        return source
    has_ended = sa.or_(*(has_status(source, status) for status in ENDED))
    conditions = [
        has_status(source, "queued"),
        has_status(source, "processing"),
        sa.and_(has_ended, is_in_window(source, "updated_at")),
    ]
    if source.records("completed_at"):
        is_completed = has_status(source, "completed")
        conditions.append(sa.and_(is_completed, is_in_window(source, "completed_at")))
    if source.records("created_at"):
        conditions.append(is_in_window(source, "created_at"))
    return source.limited_to(sa.or_(*conditions))
