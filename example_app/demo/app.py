"""The demo's app: the example with the dashboard, and with a second source."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from example_app import app
from example_app.models import VIDEO_TASKS, VideoTask, db
from flask_task_metrics import TaskMetrics, TaskSource

TURBO = sa.select(VideoTask).where(VideoTask.engine == "aurora-2-turbo").subquery("turbo")

SOURCES = {"videos": VIDEO_TASKS, "turbo": TaskSource(TURBO)}


def create_app() -> Flask:
    """Make the app from DATABASE_URL and TASK_METRICS_ADMIN_SECRET in the environment."""
    return app.create_app({"TASK_METRICS_DASHBOARD": True}, TaskMetrics(db, SOURCES))
