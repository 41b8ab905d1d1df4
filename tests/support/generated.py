"""Generated tasks, near the edges of the window and far from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from flask_task_metrics import Series, Snapshot, TaskMetrics
from tests.support.host import NOW, SECRET
from tests.support.oracle import TaskRow
from tests.support.tasks import END, MICROSECOND, START, ago

GENERATED = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""The same examples on each machine, all in one database: a test empties its table for each."""


class Mounted:
    """A source that is mounted once for all examples of a test, since that costs more than they."""

    def __init__(self, engine: sa.Engine, source: Any) -> None:
        self._app = Flask("host")
        self._app.config.update(TASK_METRICS_ADMIN_SECRET=SECRET, TASK_METRICS_TOP_ERRORS=100)
        self._task_metrics = TaskMetrics(engine, source, app=self._app)

    def snapshot(self, now: datetime = NOW, **asked: Any) -> Snapshot:
        """Read the snapshot of an hour."""
        with self._app.app_context():
            return self._task_metrics.snapshot(60, now=now, **asked)

    def series(self, points: int, now: datetime) -> Series:
        """Read the course of an hour."""
        with self._app.app_context():
            return self._task_metrics.series(60, points, now=now)


mounted_on = lru_cache(maxsize=1)(Mounted)
"""Returns the source of the example before."""


def moments_near(offsets: Sequence[int], earliest: int) -> st.SearchStrategy[datetime]:
    """Return moments around the window: at offsets in microseconds, or from `earliest` on."""
    return st.builds(
        lambda moment, offset: moment + offset * MICROSECOND,
        st.sampled_from([START, ago(minutes=10), END]),
        st.sampled_from(offsets) | st.integers(earliest, 10**10),
    )


def lists_of_tasks(
    moments: st.SearchStrategy[datetime], status: Any, **others: Any
) -> st.SearchStrategy[list[TaskRow]]:
    """Return lists of at most 14 tasks that are numbered from 1."""
    times = ("created_at", "processing_at", "completed_at", "updated_at")
    rows = st.builds(
        TaskRow,
        id=st.just(0),
        status=status,
        **dict.fromkeys(times, st.none() | moments),
        **others,
    )
    return st.lists(rows, max_size=14).map(
        lambda drawn: [
            TaskRow(**asdict(row) | {"id": number}) for number, row in enumerate(drawn, 1)
        ]
    )
