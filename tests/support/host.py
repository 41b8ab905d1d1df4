"""A host for the tests: an app with a task model, and the package mounted on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, Literal

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_task_metrics import Snapshot, TaskMetrics, TaskSource

SECRET = "correct horse battery staple"  # noqa: S105 - the tests' own
HEADERS = {"X-Admin-Secret": SECRET}
PATH = "/api/admin/metrics-snapshot"
SERIES = "/api/admin/metrics-timeseries"
CHECK = "/api/admin/metrics-check"
METRICS = "/api/admin/metrics"
BEARER_PATHS = (CHECK, METRICS)
ENDPOINTS = (PATH, SERIES, *BEARER_PATHS)
"""Whatever holds for every answer is tested on each of them."""
NOW = datetime(2026, 1, 30, 10, 0, tzinfo=timezone.utc)

Timestamp = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
"""A naive timestamp with microseconds: `DATETIME(6)` on MySQL and MariaDB."""


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
    """Create an app with these configuration keys; its secret is `SECRET` unless they name one."""
    app = Flask("host")
    app.config.update(SQLALCHEMY_DATABASE_URI=database_url, TASK_METRICS_ADMIN_SECRET=SECRET)
    app.config.update(config)
    db = SQLAlchemy(app, model_class=Base)
    TaskMetrics(db, source, app=app)
    return app


@contextmanager
def hosted(database_url: str | sa.URL, source: Any = SOURCE, **config: Any) -> Iterator[Flask]:
    """Create a host while the block runs, and close its connections at the end."""
    app = create_host(database_url, source, **config)
    try:
        yield app
    finally:
        dispose_engines(app)


def snapshot_of(
    engine: sa.Engine,
    source: Any = SOURCE,
    *,
    minutes: int = 60,
    compare: Literal["previous"] | None = None,
    now: datetime = NOW,
    error_code_of: Callable[[str], str | None] | None = None,
    **config: Any,
) -> Snapshot:
    """Read a snapshot through an engine, in an app with these configuration keys."""
    app = Flask("host")
    app.config.update(TASK_METRICS_ADMIN_SECRET=SECRET, **config)
    task_metrics = TaskMetrics(engine, source, error_code_of=error_code_of, app=app)
    with app.app_context():
        return task_metrics.snapshot(minutes, compare=compare, now=now)


def add_tasks(engine: sa.Engine, *tasks: dict[str, Any]) -> None:
    """Insert tasks; columns that are not given are null."""
    with engine.begin() as connection:
        for task in tasks:
            connection.execute(sa.insert(Task).values(task))


def current_utc() -> datetime:
    """Return the current time as the naive columns hold it."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


def dispose_engines(app: Flask) -> None:
    """Close the connections that an app's pools hold."""
    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            engine.dispose()


def engine_of(app: Flask) -> sa.Engine:
    """Return the engine of an app's Flask-SQLAlchemy."""
    with app.app_context():
        engine: sa.Engine = app.extensions["sqlalchemy"].engine
    return engine


def view_of_tasks(name: str) -> sa.TableClause:
    """Describe a view that has the columns of the tasks."""
    return sa.table(name, *(sa.column(c.name, c.type) for c in Task.__table__.columns))
