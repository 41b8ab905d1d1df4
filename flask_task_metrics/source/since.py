"""A source that is a function of a time since which tasks were created or updated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.sql.visitors import replacement_traverse

from flask_task_metrics.dialects import UtcSecond, has_time_zone
from flask_task_metrics.exceptions import ConfigurationError

from .column_types import plain_type

TasksSince: TypeAlias = Callable[[sa.BindParameter[Any]], sa.SelectBase]
"""A function from a time to the tasks that are queued, processing, or were created or updated since
then.
"""

SINCE = "task_metrics_tasks_since"
NAIVE_SINCE = f"{SINCE}_naive"
"""The parameter that is compared with timestamps without a time zone."""

SINCE_PARAMETERS = frozenset([SINCE, NAIVE_SINCE])


def is_function(selectable: object) -> bool:
    """Return whether a source is a function; models are callable too, but they are classes."""
    return callable(selectable) and not isinstance(selectable, type)


def selected_since(function: TasksSince) -> sa.SelectBase:
    """Return what a function selects, with parameters that `since_values` has the values of.

    Raises `ConfigurationError` if it raises an error, or returns anything but a Select.
    """
    name = getattr(function, "__name__", repr(function))
    expected = "it must take one argument, a timestamp, and return a Select"
    # Without a type, SQLAlchemy gives the parameter that of the column it is compared with.
    since = sa.bindparam(SINCE, type_=sa.types.NullType())
    try:
        selected = function(since)
    except Exception as error:
        raise ConfigurationError(f"the source {name} raised {error!r}; {expected}") from error
    if not isinstance(selected, sa.SelectBase):
        raise ConfigurationError(f"the source {name} returned {selected!r}; {expected}")
    as_any: Any = selected
    typed: sa.SelectBase = replacement_traverse(as_any, {}, _typed)
    return typed


def since_values(since: datetime) -> dict[str, datetime]:
    """Return the values of the parameters for a time, a whole UTC second."""
    return dict.fromkeys(SINCE_PARAMETERS, since)


def _typed(element: Any, **_: Any) -> sa.BindParameter[Any] | None:
    """Return the parameter in the type that compares right with the column beside it."""
    if not isinstance(element, sa.BindParameter) or element.key != SINCE:
        return None
    beside = plain_type(element.type)
    if not isinstance(beside, sa.DateTime | sa.types.NullType):
        raise ConfigurationError(
            f"the source compares its timestamp with a column of type {element.type!r}; "
            "convert one to the other, as in sa.extract('epoch', since)"
        )
    aware = has_time_zone(element.type)
    return sa.bindparam(SINCE if aware else NAIVE_SINCE, type_=UtcSecond(aware))
