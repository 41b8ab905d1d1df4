"""What the statements ask of a task, and the moments that they ask it about.

A moment is bound under a name, so that a statement which was built once can be run for any window,
with `moments` as its parameters.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .dialects import Instant, UtcSecond, exact_text, not_before
from .source import TaskSource
from .statuses import Status, plain_type


def has_status(source: TaskSource, status: Status) -> sa.ColumnElement[bool]:
    """Whether a task has a status now; texts are compared to the letter."""
    column = sa.type_coerce(source.rows.c.status, plain_type(source.rows.c.status.type))
    values = source.statuses[status]
    if not all(isinstance(value, str) for value in values):
        return column.in_(values)
    # The first of the two is for an index, the second for the letter.
    return sa.and_(column.in_(values), exact_text(column).in_(values))


def is_since(
    timestamp: sa.ColumnElement[Any], second: datetime, name: str | None = None
) -> sa.ColumnElement[bool]:
    """Whether a timestamp is at a whole second or later."""
    return not_before(timestamp, bound_second(timestamp, second, name))


def bound_second(
    timestamp: sa.ColumnElement[Any], second: datetime, name: str | None = None
) -> sa.BindParameter[datetime]:
    """A whole second to compare a timestamp with."""
    has_zone = getattr(plain_type(timestamp.type), "timezone", True)
    key = name and _key(name, "aware" if has_zone else "naive")
    return sa.bindparam(key, second, type_=UtcSecond(has_zone))


def bound_instant(moment: datetime, name: str | None = None) -> sa.BindParameter[datetime]:
    """A whole second to subtract from."""
    return sa.bindparam(name and _key(name, "instant"), moment, type_=Instant())


def moments(**seconds: datetime) -> dict[str, Any]:
    """The parameters that have a statement speak of other seconds than it was built with."""
    return {
        _key(name, form): second
        for name, second in seconds.items()
        for form in ("aware", "naive", "instant")
    }


def _key(name: str, form: str) -> str:
    return f"{name}_{form}"
