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
from .models import VIDEO_TASKS, create_tables, db

DEFAULT_DATABASE_URL = "sqlite:///video-tasks.db"
"""A file in the app's instance folder."""

task_metrics = TaskMetrics(db, VIDEO_TASKS)


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the app, and the tables that its database lacks.

    DATABASE_URL and TASK_METRICS_ADMIN_SECRET are read from the environment; what `config` says
    goes before.
    """
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
    with app.app_context():
        create_tables()
    return app
