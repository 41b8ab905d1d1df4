"""The application factory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from flask import Flask
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from flask_task_metrics import TaskMetrics

from . import views
from .cli import init_db
from .models import VIDEO_TASKS, db

DEFAULT_DATABASE_URL = "sqlite:///video-tasks.db"
"""A file in the app's instance folder."""

task_metrics = TaskMetrics(db, VIDEO_TASKS)


def create_app(
    config: Mapping[str, Any] | None = None, task_metrics: TaskMetrics = task_metrics
) -> Flask:
    """Make the app from DATABASE_URL and TASK_METRICS_ADMIN_SECRET in the environment.

    `config` takes precedence over both.
    """
    # Opens no connection: `gunicorn --preload` calls this and then forks, and processes that share
    # a database socket read each other's answers. `init-db` creates the tables.
    app = Flask("example_app")
    app.config.from_mapping(
        MAX_CONTENT_LENGTH=64 * 1024,
        SQLALCHEMY_DATABASE_URI=os.environ.get("DATABASE_URL") or DEFAULT_DATABASE_URL,
        SQLALCHEMY_ENGINE_OPTIONS={"pool_pre_ping": True},
        TASK_METRICS_ADMIN_SECRET=os.environ.get("TASK_METRICS_ADMIN_SECRET"),
    )
    app.config.from_mapping(config)
    db.init_app(app)
    task_metrics.init_app(app)
    app.register_blueprint(views.blueprint)
    app.register_error_handler(HTTPException, views.answer_http_error)
    app.register_error_handler(ValidationError, views.answer_invalid_input)
    app.cli.add_command(init_db)
    return app
