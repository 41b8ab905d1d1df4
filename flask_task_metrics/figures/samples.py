"""The sample of completed tasks that locates the percentiles."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.source import TaskSource

from .durations import completed_durations
from .parameters import parameter, second_parameter, values, window_values
from .percentiles import BOUNDS, bounds, sampled_one_in, selected_ranks
from .window import Window

SLICES = 12
"""A sample takes a stretch from each of so many slices of the window, since load varies over time.
Each stretch starts at a whole second.
"""


def sample_latencies(source: TaskSource) -> sa.Select[Any]:
    """Select a row (figure, samples, total, the ranks `BOUNDS`, max) for each latency of the tasks
    completed in the stretches that its parameters give.
    """
    at: Any = source.tasks.c.completed_at

    def is_in_stretch(number: int) -> sa.ColumnElement[bool]:
        start, end = (second_parameter(name, at) for name in _stretch_parameters(number))
        # Compared as plain values: the choice of a sample has no effect on any figure.
        plain = sa.type_coerce(at, start.type)
        return sa.and_(plain >= start, plain < end)

    is_sampled = sa.or_(*map(is_in_stretch, range(SLICES)))
    ranks = {name: parameter(name, sa.Integer()) for name in BOUNDS}
    return selected_ranks(completed_durations(source, is_sampled), ranks)


def sample_values(window: Window, completed: int) -> dict[str, Any]:
    """Return the values of a sample's parameters, for a window with about `completed` tasks."""
    one_in = sampled_one_in(completed)
    sampled = values(**_stretches(window, one_in), **bounds(completed / one_in))
    return window_values(window) | sampled


def _stretches(window: Window, one_in: int) -> dict[str, datetime]:
    """Return the edges of the stretches. Together they are one in `one_in` seconds of a window."""
    slice_ = (window.end - window.start) / SLICES
    length = timedelta(seconds=math.ceil(slice_ / timedelta(seconds=one_in)))
    starts = (window.start + number * slice_ for number in range(SLICES))
    return {
        name: edge
        for number, start in enumerate(starts)
        for name, edge in zip(_stretch_parameters(number), (start, start + length), strict=True)
    }


def _stretch_parameters(number: int) -> tuple[str, str]:
    """Return the parameter names of a stretch's start and end."""
    return f"stretch{number}_start", f"stretch{number}_end"
