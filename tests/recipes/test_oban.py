"""The mapping of Oban's jobs, in the table that Oban's migrations make."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskSource
from tests.support.databases import on, run
from tests.support.oracle import TaskRow
from tests.support.recipes import (
    Row,
    add_old_copies,
    check_doctor,
    check_figures,
    first,
    in_naive_utc,
    json_errors,
    minutes_ago,
    reflected,
    rows_of,
)

pytestmark = on("postgresql")

SYSTEM = "Oban"

TABLE = (
    """
    CREATE TYPE oban_job_state AS ENUM (
        'available', 'suspended', 'scheduled', 'executing', 'retryable', 'completed', 'discarded',
        'cancelled'
    )
    """,
    """
    CREATE TABLE oban_jobs (
        id bigserial PRIMARY KEY,
        state oban_job_state NOT NULL DEFAULT 'available',
        queue text NOT NULL DEFAULT 'default',
        worker text NOT NULL DEFAULT 'Videos.Render',
        args jsonb NOT NULL DEFAULT '{}',
        errors jsonb[] NOT NULL DEFAULT ARRAY[]::jsonb[],
        attempt integer NOT NULL DEFAULT 0,
        max_attempts integer NOT NULL DEFAULT 20,
        inserted_at timestamp NOT NULL DEFAULT timezone('UTC', now()),
        scheduled_at timestamp NOT NULL DEFAULT timezone('UTC', now()),
        attempted_at timestamp,
        completed_at timestamp,
        attempted_by text[],
        discarded_at timestamp,
        priority integer NOT NULL DEFAULT 0,
        tags text[] DEFAULT ARRAY[]::text[],
        meta jsonb DEFAULT '{}',
        cancelled_at timestamp
    )
    """,
    """
    CREATE INDEX oban_jobs_state_queue_priority_scheduled_at_id_index
        ON oban_jobs (state, queue, priority, scheduled_at, id)
    """,
)

STATUSES = {
    "available": "queued",
    "scheduled": "queued",
    "retryable": "queued",
    "executing": "processing",
    "completed": "completed",
    "discarded": "failed",
    "cancelled": "cancelled",
}


def job(
    state: str,
    inserted: float,
    attempted: float | None = None,
    ended: float | None = None,
    *errors: str,
    scheduled: float | None = None,
) -> dict[str, Any]:
    """Return a job with its timestamps as minutes ago, and the errors of its attempts."""
    minutes = {
        "inserted_at": inserted,
        "scheduled_at": inserted if scheduled is None else scheduled,
        "attempted_at": attempted,
        "completed_at": None,
        "discarded_at": None,
        "cancelled_at": None,
    }
    if ended is not None:
        minutes[f"{state}_at"] = ended
    timestamps = {name: in_naive_utc(minutes_ago(ago)) for name, ago in minutes.items()}
    return {"state": state, "errors": json_errors(errors), **timestamps}


CRASH = """\
** (RuntimeError) no answer from engine 7
    (videos 0.1.0) lib/videos/render.ex:12: Videos.Render.perform/1
    (oban 2.19.4) lib/oban/queue/executor.ex:145: Oban.Queue.Executor.perform/1
"""

RETURNED = '** (Oban.PerformError) Videos.Render failed with {:error, "no room for 31 frames"}'


def jobs() -> list[dict[str, Any]]:
    """Return jobs in every state."""
    return [
        job("completed", 50, 49.5, 48),
        job("completed", 40, 39, 38.25),
        job("completed", 90, 20, 19.5, CRASH, scheduled=21),
        job("completed", 300, 299, 298),
        job("discarded", 30, 29, 28, CRASH, RETURNED),
        job("discarded", 30, 27, 26, CRASH),
        job("discarded", 25, 24, 23, CRASH.replace("7", "8")),
        job("discarded", 25, 24, 22, "** (Oban.TimeoutError) Videos.Render timed out after 5000ms"),
        job("discarded", 200, 199, 198, CRASH),
        job("cancelled", 20, None, 15),
        job("cancelled", 20, 18, 17, "** (Oban.PerformError) Videos.Render failed with {:cancel}"),
        job("executing", 10, 9),
        job("executing", 400, 130, None, CRASH, scheduled=131),
        job("available", 12),
        job("available", 700, 500, None, CRASH, scheduled=7),
        job("scheduled", 600, scheduled=-60),
        job("retryable", 8, 6, None, CRASH, scheduled=-1),
        job("suspended", 5),
    ]


@pytest.fixture
def table(engine: sa.Engine) -> None:
    """Create Oban's table, with jobs in every state."""
    run(engine, *TABLE)
    with engine.begin() as connection:
        connection.execute(sa.insert(reflected(engine, "oban_jobs")), jobs())


def task_of(row: Row) -> TaskRow:
    ended_at = first(row, "completed_at", "discarded_at", "cancelled_at")
    return TaskRow(
        id=row["id"],
        status=STATUSES.get(row["state"]),
        created_at=row["inserted_at"],
        processing_at=row["attempted_at"],
        completed_at=row["completed_at"],
        updated_at=ended_at or first(row, "attempted_at", "inserted_at"),
        error_message=row["errors"][-1]["error"] if row["errors"] else None,
    )


@pytest.mark.usefixtures("table")
def test_the_figures_are_those_of_the_rows(engine: sa.Engine, source: TaskSource) -> None:
    rows = rows_of(engine, "oban_jobs")
    assert {*STATUSES, "suspended"} == {row["state"] for row in rows}
    due_at = {row["id"]: row["scheduled_at"] for row in rows}
    check_figures(engine, source, list(map(task_of, rows)), due_at=due_at)


@pytest.mark.usefixtures("table")
def test_the_doctor_is_content(engine: sa.Engine, source: TaskSource) -> None:
    add_old_copies(engine, "oban_jobs", "state = 'completed'")
    check_doctor(engine, source)
