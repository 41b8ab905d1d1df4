"""The demo's database: its table, tasks of the past, and the log of these tasks."""

from __future__ import annotations

from pathlib import Path
from random import Random

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from example_app.app import create_app, task_metrics
from example_app.models import VideoTask, db, utc_now
from flask_task_metrics import ErrorCount, TaskMetricsError

from .history import MINUTES, insert_last_day
from .history_log import write_log
from .processes import BackendError


def seed(database_url: str, secret: str, log: Path) -> ErrorCount:
    """Seed the tasks of the last 24 hours, and log them; return the first of their top errors.

    Raises `BackendError` if the database can't be used or has tasks already.
    """
    try:
        app = create_app(
            {"SQLALCHEMY_DATABASE_URI": database_url, "TASK_METRICS_ADMIN_SECRET": secret}
        )
        with app.app_context():
            try:
                return _seed(log)
            finally:
                # Disposing of the engine closes only connections that no session holds.
                db.session.remove()
                db.engine.dispose()
    except (ImportError, SQLAlchemyError, TaskMetricsError) as error:
        raise BackendError(f"DATABASE_URL can't be used: {error}") from error


def _seed(log: Path) -> ErrorCount:
    db.create_all()
    _check_empty()
    rng = Random()
    write_log(log, insert_last_day(utc_now(), rng), rng)
    leading, *_ = task_metrics.snapshot(MINUTES).top_errors or ()
    return leading


def _check_empty() -> None:
    """Raise `BackendError` if the table has a row, whoever wrote it.

    The rows of an earlier demo are refused too: the log has no lines about them, and between the
    two demos the past would have a gap.
    """
    table = VideoTask.__tablename__
    # Names no column: the table may be somebody else's, with other columns.
    if db.session.execute(sa.select(sa.literal(1)).select_from(sa.table(table)).limit(1)).first():
        url = db.engine.url.render_as_string(hide_password=True)
        raise BackendError(
            f"{url} has tasks in its table {table} already, and the demo writes to an empty table "
            "only. Name another database. Or, if an earlier demo left these tasks, drop them "
            f"first: DROP TABLE {table}"
        )
