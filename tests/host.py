"""A host for the tests: an app with a task model, and the package mounted on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_task_metrics import Snapshot, TaskMetrics, TaskSource

SECRET = "correct horse battery staple"  # noqa: S105 - the tests' own
HEADERS = {"X-Admin-Secret": SECRET}
PATH = "/api/admin/metrics-snapshot"
NOW = datetime(2026, 1, 30, 10, 0, tzinfo=timezone.utc)

Timestamp = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
"""A naive timestamp with microseconds, which on MySQL and MariaDB must be asked for."""


class Base(DeclarativeBase):
    """The tests' tables."""


class Task(Base):
    """A task table with the columns that the package expects by default, and a request id."""

    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str | None] = mapped_column(sa.String(32))
    created_at: Mapped[datetime | None] = mapped_column(Timestamp)
    processing_at: Mapped[datetime | None] = mapped_column(Timestamp)
    completed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    updated_at: Mapped[datetime | None] = mapped_column(Timestamp)
    error_message: Mapped[str | None] = mapped_column(sa.Text)
    request_id: Mapped[str | None] = mapped_column(sa.String(128))


SOURCE = TaskSource(Task, request_id="request_id")


def create_host(database_url: str | sa.URL, source: Any = SOURCE, **config: Any) -> Flask:
    """An app that is configured by the keys given, its secret being `SECRET` unless they say
    otherwise.
    """
    app = Flask("host")
    app.config.update(SQLALCHEMY_DATABASE_URI=database_url, TASK_METRICS_ADMIN_SECRET=SECRET)
    app.config.update(config)
    db = SQLAlchemy(app, model_class=Base)
    TaskMetrics(db, source, app=app)
    return app


def snapshot_of(
    engine: sa.Engine,
    source: Any = SOURCE,
    *,
    minutes: int = 60,
    now: datetime = NOW,
    error_code_of: Callable[[str], str | None] | None = None,
    **config: Any,
) -> Snapshot:
    """The snapshot that an app which is configured by the keys given reads through an engine."""
    app = Flask("host")
    app.config.update(TASK_METRICS_ADMIN_SECRET=SECRET, **config)
    task_metrics = TaskMetrics(engine, source, error_code_of=error_code_of, app=app)
    with app.app_context():
        return task_metrics.snapshot(minutes, now=now)


def add_tasks(engine: sa.Engine, *tasks: dict[str, Any]) -> None:
    """Insert tasks, each given by what differs from a task whose columns are all null."""
    with engine.begin() as connection:
        for task in tasks:
            connection.execute(sa.insert(Task).values(task))


def current_utc() -> datetime:
    """The current time as the naive columns hold it."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


def dispose_engines(app: Flask) -> None:
    """Close the connections that an app's pools hold."""
    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            engine.dispose()
