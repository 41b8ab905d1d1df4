"""A source that is derived from events, as a Select and as a function, beside one pass over its
tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from statistics import median
from typing import Any, NamedTuple

import sqlalchemy as sa
from click import ClickException
from flask import Flask

from flask_task_metrics import Snapshot, TaskMetrics, TaskSource
from flask_task_metrics.source import ENDED, STATUSES

from .host import SECRET
from .loading import BATCH, gather_statistics, insert_batch
from .running import Case, Reads, times_in_turn
from .tables import TIMESTAMP
from .work import END, NOW, Task, last_tasks

METADATA = sa.MetaData()

JOBS = sa.Table(
    "benchmark_jobs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("request_id", sa.String(128)),
    sa.Column("ended_at", TIMESTAMP, index=True),
)

EVENTS = sa.Table(
    "benchmark_events",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("job_id", sa.Integer, nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("at", TIMESTAMP, nullable=False, index=True),
    sa.Column("error", sa.Text),
)


class Job(NamedTuple):
    """A row of a job."""

    id: int
    request_id: str
    ended_at: datetime | None


class Event(NamedTuple):
    """A row of an event without its id; the database assigns that."""

    job_id: int
    kind: str
    at: datetime
    error: str | None


def all_tasks() -> sa.Select[Any]:
    """Select the tasks of all jobs."""

    def last(value: Any, *kinds: str) -> Any:
        return sa.func.max(sa.case((EVENTS.c.kind.in_(kinds), value)))

    began_at = last(EVENTS.c.at, "processing")
    otherwise = sa.case((began_at.is_not(None), "processing"), else_="queued")
    return (
        sa.select(
            *JOBS.c,
            sa.func.coalesce(last(EVENTS.c.kind, *ENDED), otherwise).label("status"),
            last(EVENTS.c.at, "created").label("created_at"),
            began_at.label("processing_at"),
            last(EVENTS.c.at, "completed").label("completed_at"),
            sa.func.max(EVENTS.c.at).label("updated_at"),
            sa.func.max(EVENTS.c.error).label("error_message"),
        )
        .join_from(JOBS, EVENTS, EVENTS.c.job_id == JOBS.c.id)
        .group_by(*JOBS.c)
    )


def tasks_since(since: Any) -> sa.Select[Any]:
    """Select the tasks of the jobs that have not ended, and of those with an event since a time."""
    unended = sa.select(JOBS.c.id.label("job_id")).where(JOBS.c.ended_at.is_(None))
    changed = sa.select(EVENTS.c.job_id).where(EVENTS.c.at >= since)
    wanted = sa.union(unended, changed).subquery()
    return all_tasks().join(wanted, wanted.c.job_id == JOBS.c.id)


def one_pass(engine: sa.Engine, minutes: int) -> Sequence[Any]:
    """Count the tasks by status in one pass: no exact answer can compute fewer tasks."""
    tasks = all_tasks().subquery().c
    is_updated = tasks.updated_at >= END - timedelta(minutes=minutes)
    counts = (
        sa.func.count(sa.case((sa.and_(tasks.status == status, is_updated), 1)))
        for status in STATUSES
    )
    with engine.connect() as connection:
        return connection.execute(sa.select(*counts)).one()


def measure_derived(
    engine: sa.Engine, rows: int, windows: Sequence[int], rounds: int
) -> Iterator[str]:
    """Load jobs, and yield the lines of a Markdown table with the milliseconds of each window."""
    _load(engine, rows)
    snapshot, by_function = (
        _mounted(engine, TaskSource(source)) for source in (all_tasks(), tasks_since)
    )
    yield "| minutes | one pass, ms | snapshot, ms | passes | with a function, ms |"
    yield "|---:|---:|---:|---:|---:|"
    for minutes in windows:
        # The reason says how far back an end was looked for, and a function looks back less.
        if replace(snapshot(minutes), reason=None) != replace(by_function(minutes), reason=None):
            raise ClickException(f"the sources disagree about {minutes} minutes")
        reads: Reads = {
            Case(rows, minutes, "one pass"): partial(one_pass, engine, minutes),
            Case(rows, minutes, "snapshot"): partial(snapshot, minutes),
            Case(rows, minutes, "with a function"): partial(by_function, minutes),
        }
        one, derived, selected = map(median, times_in_turn(reads, rounds).values())
        figures = f"{one:,.0f} | {derived:,.0f} | {derived / one:.1f} | {selected:,.0f}"
        yield f"| {minutes} | {figures} |"


def _mounted(engine: sa.Engine, source: TaskSource) -> Callable[[int], Snapshot]:
    """Mount a source, and return a function that takes a snapshot of the last minutes."""
    app = Flask(__name__)
    app.config.update(TASK_METRICS_ADMIN_SECRET=SECRET, TASK_METRICS_TIMEOUT_MS=0)
    task_metrics = TaskMetrics(engine, source, app=app)

    def snapshot(minutes: int) -> Snapshot:
        with app.app_context():
            return task_metrics.snapshot(minutes, now=NOW)

    return snapshot


def _load(engine: sa.Engine, rows: int) -> None:
    METADATA.drop_all(engine)
    METADATA.create_all(engine)
    tasks = enumerate(last_tasks(rows), start=1)
    while batch := list(islice(tasks, BATCH)):
        events = [event for number, task in batch for event in _events(number, task)]
        with engine.begin() as connection:
            insert_batch(connection, JOBS, [_job(number, task) for number, task in batch])
            insert_batch(connection, EVENTS, events)
    for table in METADATA.tables.values():
        gather_statistics(engine, table)


def _job(number: int, task: Task) -> Job:
    return Job(number, task.request_id, task.updated_at if task.status in ENDED else None)


def _events(number: int, task: Task) -> Iterator[Event]:
    happened = {"created": task.created_at, "processing": task.processing_at}
    if task.status in ENDED:
        happened[task.status] = task.updated_at
    for kind, at in happened.items():
        if at:
            yield Event(number, kind, at, task.error_message if kind == "failed" else None)
