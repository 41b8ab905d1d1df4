"""What the statements ask of a task, and the moments that they ask it about.

A statement is built once and run for any window: what it is told then is bound under a name, which
begins with the package's own so that it is no name of the source's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .dialects import Instant, UtcSecond, exact_text, not_before
from .source import TaskSource
from .statuses import Status, plain_type

PREFIX = "task_metrics_"


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
    form = "aware" if has_zone else "naive"
    return bound(name and f"{name}_{form}", second, UtcSecond(has_zone))


def bound_instant(moment: datetime, name: str | None = None) -> sa.BindParameter[datetime]:
    """A whole second to subtract from."""
    return bound(name and f"{name}_instant", moment, Instant())


def bound(name: str | None, value: Any, type_: Any) -> sa.BindParameter[Any]:
    """A value, and under a name one that `parameters` can replace."""
    return sa.bindparam(name and f"{PREFIX}{name}", value, type_)


def parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a statement is run with: values by the names that they are bound under, and moments by
    theirs, in each form that they are bound in.
    """
    return {
        f"{PREFIX}{key}": value
        for name, value in values.items()
        for key in (_forms(name) if isinstance(value, datetime) else [name])
    }


def _forms(name: str) -> list[str]:
    return [f"{name}_{form}" for form in ("aware", "naive", "instant")]
