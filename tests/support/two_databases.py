"""A host that has two databases, and the extensions through which it reads them."""

from __future__ import annotations

import json
from typing import Any

import flask_sqlalchemy
import flask_sqlalchemy_lite
import pytest
import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import ConfigurationError, TaskMetrics
from tests.support.host import HEADERS, PATH, Base, Task

UNPOOLED = {"poolclass": sa.NullPool}
"""Leaves no connection behind that a test would have to close."""

MAIN = 1
REPLICA = 2
"""How many tasks are queued in each of the databases."""

BIND_KEY = "TASK_METRICS_BIND_KEY"

replicated_tasks = Task.metadata.tables["tasks"].to_metadata(
    sa.MetaData(info={"bind_key": "replica"})
)


def create_app(config: dict[str, Any], name: str = "host", **more: Any) -> Flask:
    """Create an app on which the package is not mounted yet."""
    app = Flask(name)
    app.config.update(config | more)
    return app


def flask_sqlalchemy_of(app: Flask) -> flask_sqlalchemy.SQLAlchemy:
    return flask_sqlalchemy.SQLAlchemy(app, model_class=Base, engine_options=UNPOOLED)


def flask_sqlalchemy_lite_of(app: Flask) -> flask_sqlalchemy_lite.SQLAlchemy:
    return flask_sqlalchemy_lite.SQLAlchemy(app, engine_options=UNPOOLED)


def engine_to(app: Flask) -> sa.Engine:
    return sa.create_engine(app.config["SQLALCHEMY_DATABASE_URI"], **UNPOOLED)


each_db = pytest.mark.parametrize(
    "db_of", [flask_sqlalchemy_of, flask_sqlalchemy_lite_of, engine_to]
)

each_db_with_binds = pytest.mark.parametrize(
    "db_of", [flask_sqlalchemy_of, flask_sqlalchemy_lite_of]
)


def queued_in(app: Flask, path: str = PATH, headers: dict[str, str] = HEADERS) -> int:
    """Ask for a snapshot, and return its backlog of queued tasks."""
    body = json.loads(app.test_client().get(path, headers=headers).data)
    return int(body["backlog"]["queued"]["count"])


def refusal_at_start(app: Flask, db: Any, source: Any = Task) -> str:
    """Return the message of the error that mounting raises."""
    with pytest.raises(ConfigurationError) as refusal:
        TaskMetrics(db, source, app=app)
    return str(refusal.value)
