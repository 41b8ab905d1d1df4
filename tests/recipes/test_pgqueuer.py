"""The mapping of PgQueuer's queue and its log, which a manager has written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskSource
from tests.support import pgqueuer_jobs
from tests.support.databases import on, run
from tests.support.oracle import TaskRow
from tests.support.recipes import (
    MANY,
    Row,
    add_old_copies,
    by_job,
    check_doctor_of_events,
    check_figures,
    rows_of,
    without_driver,
)

pytestmark = on("postgresql")

SYSTEM = "PgQueuer"

STATUSES = {
    "queued": "queued",
    "picked": "processing",
    "successful": "completed",
    "exception": "failed",
    "failed": "failed",
    "canceled": "cancelled",
    "deleted": "cancelled",
}


def task_of(job_id: object, entries: Sequence[Row]) -> TaskRow:
    newest = entries[-1]
    picked = [entry["created"] for entry in entries if entry["status"] == "picked"]
    return TaskRow(
        id=job_id,
        status=STATUSES[newest["status"]],
        created_at=entries[0]["created"],
        processing_at=picked[-1] if picked else None,
        completed_at=newest["created"],
        updated_at=newest["created"],
        error_message=newest["traceback"] and newest["traceback"]["traceback"],
    )


AGE = """
    UPDATE pgqueuer_log SET created = created - interval '2 days' WHERE job_id IN (
        SELECT min(id) FROM pgqueuer WHERE status = 'queued'
        UNION SELECT min(job_id) FROM pgqueuer_log WHERE status = 'exception'
    )
"""
"""Move a queued job and a failed one out of the window."""


@pytest.fixture
def jobs(engine: sa.Engine, database_url: str) -> None:
    """Have a manager do jobs."""
    asyncio.run(pgqueuer_jobs.fill(without_driver(database_url)))
    run(engine, AGE)


@pytest.mark.usefixtures("jobs")
def test_the_figures_are_those_of_the_rows(engine: sa.Engine, source: TaskSource) -> None:
    entries = by_job(rows_of(engine, "pgqueuer_log"))
    assert STATUSES.keys() == {entries[job][-1]["status"] for job in entries}
    tasks = [task_of(job, entries[job]) for job in entries]
    plans = {job["id"]: job["execute_after"] for job in rows_of(engine, "pgqueuer")}
    due_at = {job: plans.get(job) for job in entries}
    check_figures(engine, source, tasks, due_at=due_at)


@pytest.mark.usefixtures("jobs")
def test_the_doctor_is_content(engine: sa.Engine, source: TaskSource) -> None:
    for number, status in enumerate(("queued", "picked", "successful"), 1):
        entry = ("pgqueuer_log", f"status = '{status}'", "job_id")
        add_old_copies(engine, *entry, first_id=number * MANY)
    check_doctor_of_events(engine, source)
