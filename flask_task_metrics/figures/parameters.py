"""Bound parameters: the values that a statement gets each time it runs.

A statement is built once and run for any window, since building it takes about as long as
PostgreSQL takes to answer for an hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.dialects import Instant, Moment, UtcSecond, has_time_zone
from flask_task_metrics.source import TIMESTAMPS, since_values

from .window import Window

Parameters: TypeAlias = Mapping[str, Any]

PREFIX = "task_metrics_"
"""Begins every name, so that none clashes with a parameter of the source."""


def parameter(name: str, type_: Any) -> sa.BindParameter[Any]:
    """Return a parameter that each run must give a value."""
    return sa.bindparam(PREFIX + name, type_=type_)


def second_parameter(name: str, timestamp: sa.ColumnElement[Any]) -> sa.BindParameter[Any]:
    """Return a parameter for a whole second that is compared with a timestamp."""
    return parameter(name, second_type(timestamp))


def since_parameter(role: str, timestamp: sa.ColumnElement[Any]) -> sa.BindParameter[Any]:
    """Return the parameter for the start of the window, compared with the timestamp of a role."""
    return second_parameter(f"{role}_since", timestamp)


def until_parameter(role: str, timestamp: sa.ColumnElement[Any]) -> sa.BindParameter[Any]:
    """Return the parameter for the end of the window, compared with the timestamp of a role."""
    return second_parameter(f"{role}_until", timestamp)


def instant_parameter(name: str) -> sa.BindParameter[Any]:
    """Return a parameter for a whole second that timestamps are subtracted from or by."""
    return parameter(name, Instant())


def moments_parameter(name: str, timestamp: sa.ColumnElement[Any]) -> sa.BindParameter[Any]:
    """Return a parameter for moments, of which a timestamp may be one."""
    moment = Moment(has_time_zone(timestamp.type))
    return sa.bindparam(PREFIX + name, type_=moment, expanding=True)


def second_type(timestamp: sa.ColumnElement[Any]) -> UtcSecond:
    """Return the type of a second that is compared with a timestamp."""
    return UtcSecond(has_time_zone(timestamp.type))


def values(**by_name: Any) -> dict[str, Any]:
    """Return the values of parameters, as a statement is executed with them."""
    return {PREFIX + name: value for name, value in by_name.items()}


def window_values(window: Window) -> dict[str, Any]:
    """Return the values of `since_parameter` and `until_parameter` for each role, of the instants
    `start` and `end`, and of a source that is a function.
    """
    since = {f"{role}_since": window.start for role in TIMESTAMPS}
    until = {f"{role}_until": window.end for role in TIMESTAMPS}
    times = values(**since, **until, start=window.start, end=window.end)
    return times | since_values(window.start)
