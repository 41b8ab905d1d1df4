"""The step of a window that holds a timestamp, in SQL."""

from __future__ import annotations

from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.dialects import (
    Instant,
    StepStart,
    has_time_zone,
    number_of_key,
    step_key,
    step_number,
)
from flask_task_metrics.figures.parameters import parameter, values, window_values
from flask_task_metrics.source import TIMESTAMPS

from .steps import Steps

Parameter: TypeAlias = sa.BindParameter[Any]


def number_of_step(role: str, at: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """Return the number of the step that holds an instant of a role, which is in the window."""
    return step_number(at, *_steps(role, at))


def number_in_window(role: str, at: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """Return the number of the step that holds an instant of a role; null before the window."""
    since = parameter(f"{role}_start", Instant(has_time_zone(at.type)))
    return sa.case((at >= since, number_of_step(role, at)))


def tasks_by_step(
    figure: str, role: str, at: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]
) -> sa.Select[Any]:
    """Select rows (figure, number, tasks): the steps that hold the timestamp of a role, and their
    tasks. The conditions must let through only tasks of the window.

    There may be several rows for a step.
    """
    steps = _steps(role, at)
    keys = (
        sa.select(step_key(at, *steps).label("key"), sa.func.count().label("tasks"))
        .where(*conditions)
        .group_by("key")
        .subquery()
        .c
    )
    return sa.select(
        sa.literal(figure).label("figure"),
        number_of_key(keys.key, *steps).label("number"),
        keys.tasks,
    )


def step_values(steps: Steps) -> dict[str, Any]:
    """Return the values of the parameters of a window and its steps."""
    starts = {f"{role}_start": steps.window.start for role in TIMESTAMPS}
    firsts = {f"{role}_first": steps.first for role in TIMESTAMPS}
    return window_values(steps.window) | values(
        **starts, **firsts, seconds=steps.seconds, last=steps.last
    )


def _steps(role: str, at: sa.ColumnElement[Any]) -> tuple[Parameter, Parameter, Parameter]:
    """Return the parameters for the beginning of the first step, the length of each, and the
    number of the last.
    """
    return (
        parameter(f"{role}_first", StepStart(has_time_zone(at.type))),
        parameter("seconds", sa.BigInteger()),
        parameter("last", sa.BigInteger()),
    )
