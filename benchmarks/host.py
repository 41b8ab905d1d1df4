"""An app with the package mounted on a table of the benchmark, and its clock stopped."""

from __future__ import annotations

import os
from dataclasses import replace

import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import Series, Snapshot, TaskMetrics
from flask_task_metrics.connections import Connector
from flask_task_metrics.mounted import EXTENSION_KEY, Mounted
from flask_task_metrics.reader import Reader
from flask_task_metrics.turns import Turns

from .tables import source_of, table_of_size
from .work import NOW

SECRET = "only the benchmark itself asks"  # noqa: S105 - nothing here is secret
PATH = "/api/admin/metrics-snapshot"

URL_VARIABLE = "BENCHMARK_DATABASE_URL"
ROWS_VARIABLE = "BENCHMARK_ROWS"


class Host:
    """An app that reads the table of a size."""

    def __init__(self, engine: sa.Engine, rows: int) -> None:
        self.engine = engine
        self.rows = rows
        self.table = table_of_size(rows)
        self.app = Flask(__name__)
        # Slow snapshots are measured, not stopped.
        self.app.config.update(TASK_METRICS_ADMIN_SECRET=SECRET, TASK_METRICS_TIMEOUT_MS=0)
        source = source_of(self.table)
        TaskMetrics(engine, source, app=self.app)
        mounted: Mounted = self.app.extensions[EXTENSION_KEY]
        settings = mounted.settings
        self._reader = Reader(
            source,
            Connector(engine, settings.max_concurrent),
            Turns(settings.max_concurrent),
            settings,
            clock=lambda: NOW,
        )
        self.app.extensions[EXTENSION_KEY] = replace(mounted, readers={None: self._reader})

    def snapshot(self, minutes: int, group_by: str | None = None) -> Snapshot:
        """Return the snapshot of the last minutes of the work."""
        return self._reader.snapshot(minutes, group_by=group_by)

    def series(self, minutes: int, points: int) -> Series:
        """Return the course of the last minutes of the work."""
        return self._reader.series(minutes, points)


def create_app() -> Flask:
    """Make the app for gunicorn; the environment names its database and table."""
    engine = sa.create_engine(os.environ[URL_VARIABLE])
    return Host(engine, int(os.environ[ROWS_VARIABLE])).app
