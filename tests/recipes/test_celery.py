"""The mapping of Celery's SQLAlchemy result backend, which a worker has filled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskSource
from tests.support.commands import run_alone
from tests.support.databases import on
from tests.support.oracle import TaskRow
from tests.support.pages import ROOT
from tests.support.recipes import (
    Row,
    add_old_copies,
    check_doctor,
    check_figures,
    rows_of,
)

pytestmark = [on("sqlite", "postgresql"), pytest.mark.slow]

SYSTEM = "Celery"

STATUSES = {"SUCCESS": "completed", "FAILURE": "failed", "REVOKED": "cancelled"}


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """Have a worker fill the backend, and yield an engine of its database.

    Its time zone is not UTC, so a timestamp in that would be in the future.
    """
    engine = sa.create_engine(database_url)
    if engine.name == "postgresql":
        run_alone(engine, f"ALTER DATABASE {engine.url.database} SET timezone = 'Asia/Tokyo'")
        engine.dispose()
    jobs = [sys.executable, "-m", "tests.support.celery_jobs", database_url]
    subprocess.run(jobs, cwd=ROOT, check=True, capture_output=True)
    yield engine
    engine.dispose()


def task_of(row: Row) -> TaskRow:
    return TaskRow(
        id=row["task_id"],
        status=STATUSES.get(row["status"]),
        updated_at=row["date_done"],
        error_message=row["traceback"],
    )


def test_the_figures_are_those_of_the_rows_and_the_doctor_is_content(
    engine: sa.Engine, source: TaskSource
) -> None:
    rows = rows_of(engine, "celery_taskmeta")
    assert {*STATUSES, "STARTED", "RETRY"} == {row["status"] for row in rows}
    unrecorded = ("created_at", "processing_at", "completed_at")
    check_figures(engine, source, list(map(task_of, rows)), *unrecorded)
    add_old_copies(engine, "celery_taskmeta", "status = 'SUCCESS'", "task_id")
    check_doctor(engine, source)
