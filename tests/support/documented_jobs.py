"""Jobs in the tables that the documentation maps, and the figures of these."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from flask_task_metrics import Snapshot
from tests.support.tasks import measured

FIGURES = (3, 1, 1, 1, 60_000)
"""The figures of the jobs that `add_jobs` adds."""


def add_jobs(engine: sa.Engine, jobs: sa.Table, ended_at: datetime) -> None:
    """Insert a job that is done after a minute in the queue, a running one and a failed one."""
    created_at = ended_at - timedelta(minutes=3)
    own = (
        {"state": "done", "finished_at": ended_at},
        {"state": "running"},
        {"state": "failed", "failure": "NO_ANSWER"},
    )
    with engine.begin() as connection:
        for columns in own:
            job = columns | {
                "uuid": uuid4(),
                "inserted_at": created_at,
                "started_at": created_at + timedelta(minutes=1),
                "changed_at": ended_at,
                "updated_at": ended_at,
            }
            there = {name: value for name, value in job.items() if name in jobs.c}
            connection.execute(sa.insert(jobs).values(there))


def figures_of(snapshot: Snapshot) -> tuple[int | None, ...]:
    """Return the numbers of created, completed, running and failed jobs, and a median."""
    tasks = snapshot.tasks
    counts = (tasks.created, tasks.completed, tasks.processing, tasks.failed)
    return (*counts, measured(snapshot.latency.time_to_processing_ms).p50)
