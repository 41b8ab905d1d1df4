"""The mapping of Procrastinate's jobs and their events, which a worker has written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskSource
from tests.support import procrastinate_jobs
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

SYSTEM = "Procrastinate"

STATUSES = {
    "todo": "queued",
    "doing": "processing",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "aborted": "cancelled",
}


def task_of(job: Row, events: Iterable[Row]) -> TaskRow:
    at = {event["type"]: event["at"] for event in events if event["type"] != "scheduled"}
    return TaskRow(
        id=job["id"],
        status=STATUSES[job["status"]],
        created_at=at.get("deferred"),
        processing_at=at.get("started"),
        completed_at=at.get("succeeded"),
        updated_at=max(at.values(), default=None),
    )


AGE = """
    UPDATE procrastinate_events SET at = at - interval '2 days' WHERE job_id IN (
        SELECT min(id) FROM procrastinate_jobs WHERE status IN ('todo', 'failed') GROUP BY status
    )
"""
"""Move a queued job and a failed one out of the window."""

PRUNE = """
    DELETE FROM procrastinate_events
    WHERE job_id = (SELECT max(id) FROM procrastinate_jobs WHERE status = 'todo')
"""
"""Leave a queued job without events."""


@pytest.fixture
def jobs(engine: sa.Engine, database_url: str) -> None:
    """Have a worker do jobs."""
    asyncio.run(procrastinate_jobs.fill(without_driver(database_url)))
    run(engine, AGE)


@pytest.mark.usefixtures("jobs")
def test_the_figures_are_those_of_the_rows(engine: sa.Engine, source: TaskSource) -> None:
    run(engine, PRUNE)
    jobs = rows_of(engine, "procrastinate_jobs")
    assert STATUSES.keys() == {job["status"] for job in jobs}
    events = by_job(rows_of(engine, "procrastinate_events"))
    tasks = [task_of(job, events[job["id"]]) for job in jobs]
    due_at = {job["id"]: job["scheduled_at"] for job in jobs}
    check_figures(engine, source, tasks, "error_message", due_at=due_at)


@pytest.mark.usefixtures("jobs")
def test_the_doctor_is_content(engine: sa.Engine, source: TaskSource) -> None:
    run(engine, "ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER")
    add_old_copies(engine, "procrastinate_jobs", "status = 'succeeded'")
    for number, kind in enumerate(("deferred", "started", "succeeded"), 1):
        event = ("procrastinate_events", f"type = '{kind}'", "job_id")
        add_old_copies(engine, *event, first_id=number * MANY)
    by_hand = ("procrastinate_events (at)", "procrastinate_jobs (status)")
    check_doctor_of_events(engine, source, *by_hand)
