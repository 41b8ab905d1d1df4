"""The mapping of River's jobs, in the table that River's migrations make."""

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
    json_errors,
    minutes_ago,
    reflected,
    rows_of,
)

pytestmark = on("postgresql")

SYSTEM = "River"

TABLE = (
    """
    CREATE TYPE river_job_state AS ENUM (
        'available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running',
        'scheduled'
    )
    """,
    """
    CREATE TABLE river_job (
        id bigserial PRIMARY KEY,
        state river_job_state NOT NULL DEFAULT 'available',
        attempt smallint NOT NULL DEFAULT 0,
        max_attempts smallint NOT NULL DEFAULT 25,
        attempted_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        finalized_at timestamptz,
        scheduled_at timestamptz NOT NULL DEFAULT now(),
        priority smallint NOT NULL DEFAULT 1,
        args jsonb NOT NULL DEFAULT '{}',
        attempted_by text[],
        errors jsonb[],
        kind text NOT NULL DEFAULT 'render',
        metadata jsonb NOT NULL DEFAULT '{}',
        queue text NOT NULL DEFAULT 'default',
        tags varchar(255)[] NOT NULL DEFAULT '{}',
        CONSTRAINT finalized_or_finalized_at_null CHECK (
            (finalized_at IS NULL) = (state NOT IN ('cancelled', 'completed', 'discarded'))
        )
    )
    """,
    """
    CREATE INDEX river_job_prioritized_fetching_index
        ON river_job (state, queue, priority, scheduled_at, id)
    """,
    """
    CREATE INDEX river_job_state_and_finalized_at_index
        ON river_job (state, finalized_at) WHERE finalized_at IS NOT NULL
    """,
)

STATUSES = {
    "available": "queued",
    "scheduled": "queued",
    "retryable": "queued",
    "running": "processing",
    "completed": "completed",
    "discarded": "failed",
    "cancelled": "cancelled",
}


def job(
    state: str,
    created: float,
    attempted: float | None = None,
    finalized: float | None = None,
    *errors: str,
    scheduled: float | None = None,
) -> dict[str, Any]:
    """Return a job with its timestamps as minutes ago, and the errors of its attempts."""
    return {
        "state": state,
        "created_at": minutes_ago(created),
        "scheduled_at": minutes_ago(created if scheduled is None else scheduled),
        "attempted_at": minutes_ago(attempted),
        "finalized_at": minutes_ago(finalized),
        "errors": json_errors(errors) or None,
    }


TIMEOUT = "context deadline exceeded"


def jobs() -> list[dict[str, Any]]:
    """Return jobs in every state."""
    return [
        job("completed", 50, 49.5, 48),
        job("completed", 40, 39, 38.25),
        job("completed", 90, 20, 19.5, TIMEOUT, scheduled=21),
        job("completed", 300, 299, 298),
        job("discarded", 30, 29, 28, TIMEOUT, "dial tcp 10.0.0.7:443: connect: connection refused"),
        job("discarded", 30, 27, 26, "dial tcp 10.0.0.8:443: connect: connection refused"),
        job("discarded", 25, 24, 23, "runtime error: index out of range [5] with length 3"),
        job("discarded", 25, 24, 22, "ENGINE_TIMEOUT: no answer after 31 s"),
        job("discarded", 200, 199, 198, "ENGINE_TIMEOUT: no answer after 32 s"),
        job("cancelled", 20, None, 15),
        job("cancelled", 20, 18, 17, "JobCancelError: the user has left"),
        job("running", 10, 9),
        job("running", 400, 130, None, TIMEOUT, scheduled=131),
        job("available", 12),
        job("available", 700, 500, None, TIMEOUT, scheduled=7),
        job("scheduled", 600, scheduled=-60),
        job("retryable", 8, 6, None, TIMEOUT, scheduled=-1),
        job("pending", 5),
    ]


@pytest.fixture
def table(engine: sa.Engine) -> None:
    """Create River's table, with jobs in every state."""
    run(engine, *TABLE)
    with engine.begin() as connection:
        connection.execute(sa.insert(reflected(engine, "river_job")), jobs())


def task_of(row: Row) -> TaskRow:
    return TaskRow(
        id=row["id"],
        status=STATUSES.get(row["state"]),
        created_at=row["created_at"],
        processing_at=row["attempted_at"],
        completed_at=row["finalized_at"],
        updated_at=first(row, "finalized_at", "attempted_at", "created_at"),
        error_message=row["errors"][-1]["error"] if row["errors"] else None,
    )


@pytest.mark.usefixtures("table")
def test_the_figures_are_those_of_the_rows(engine: sa.Engine, source: TaskSource) -> None:
    rows = rows_of(engine, "river_job")
    assert {*STATUSES, "pending"} == {row["state"] for row in rows}
    due_at = {row["id"]: row["scheduled_at"] for row in rows}
    check_figures(engine, source, list(map(task_of, rows)), due_at=due_at)


@pytest.mark.usefixtures("table")
def test_the_doctor_is_content(engine: sa.Engine, source: TaskSource) -> None:
    add_old_copies(engine, "river_job", "state = 'completed'")
    check_doctor(engine, source)
