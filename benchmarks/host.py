"""Apps with the package mounted on tables of the work, whose clock stands at `NOW`."""

from __future__ import annotations

import os
from datetime import datetime

import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import Snapshot, TaskMetrics, TaskSource

from .tables import source_of, table_of_size
from .work import NOW

SECRET = "only the benchmark itself asks"  # noqa: S105 - and nothing here is secret
PATH = "/api/admin/metrics-snapshot"

URL_VARIABLE = "BENCHMARK_DATABASE_URL"
ROWS_VARIABLE = "BENCHMARK_ROWS"


class StoppedClock(TaskMetrics):
    """A `TaskMetrics` to which it is always `NOW`."""

    def snapshot(self, minutes: int = 60, *, now: datetime | None = None) -> Snapshot:
        """All figures of the last minutes of the work."""
        return super().snapshot(minutes, now=now or NOW)


class SourceHost:
    """An app that reads a source."""

    def __init__(self, engine: sa.Engine, source: TaskSource) -> None:
        self.engine = engine
        self.app = Flask(__name__)
        # No timeout, because the times themselves are what is asked for.
        self.app.config.update(
            TASK_METRICS_ADMIN_SECRET=SECRET, TASK_METRICS_STATEMENT_TIMEOUT_MS=0
        )
        self._task_metrics = StoppedClock(engine, source, app=self.app)

    def snapshot(self, minutes: int) -> Snapshot:
        """The snapshot of the last minutes of the work."""
        with self.app.app_context():
            return self._task_metrics.snapshot(minutes)


class Host(SourceHost):
    """An app that reads the table of a size."""

    def __init__(self, engine: sa.Engine, rows: int) -> None:
        self.rows = rows
        self.table = table_of_size(rows)
        super().__init__(engine, source_of(self.table))


def create_app() -> Flask:
    """The app of the table that the environment names, for gunicorn."""
    engine = sa.create_engine(os.environ[URL_VARIABLE])
    return Host(engine, int(os.environ[ROWS_VARIABLE])).app
