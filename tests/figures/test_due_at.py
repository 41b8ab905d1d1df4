"""A task that is due later is scheduled; one that is due waits from then on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import Snapshot, TaskReference, TaskSource
from tests.support.databases import on
from tests.support.host import Timestamp, hosted, snapshot_of
from tests.support.http import body_of, get_snapshot
from tests.support.jobs import job_table, refusal_of
from tests.support.tasks import END, MICROSECOND, ago, completed, measured

TABLE = job_table(due_at=Timestamp)
SOURCE = TaskSource(TABLE, due_at="due_at")


def planned(engine: sa.Engine, *tasks: dict[str, Any]) -> Snapshot:
    """Return the figures of tasks in a table with planned times."""
    TABLE.create(engine)
    with engine.begin() as connection:
        for task in tasks:
            connection.execute(sa.insert(TABLE).values(task))
    return snapshot_of(engine, SOURCE)


def queued(due_at: datetime | None, created_at: datetime | None = END, **more: Any) -> Any:
    return {"status": "queued", "created_at": created_at, "due_at": due_at} | more


def test_a_queued_task_is_scheduled_until_it_is_due(engine: sa.Engine) -> None:
    backlog = planned(
        engine,
        queued(None),
        queued(ago(days=1)),
        queued(END),
        queued(END + MICROSECOND),
        queued(ago(days=-1)),
        {"status": "processing", "updated_at": END, "due_at": ago(days=-1)},
    ).backlog
    assert backlog.scheduled is not None
    assert (3, 2, 1) == (
        backlog.queued.count,
        backlog.scheduled.count,
        backlog.processing.count,
    )


def test_queued_tasks_of_the_window_include_scheduled_ones(engine: sa.Engine) -> None:
    tasks = planned(engine, queued(ago(days=-1), updated_at=END), queued(END, updated_at=END)).tasks
    assert (2, 2) == (tasks.created, tasks.queued)


@pytest.mark.parametrize(
    ("created_at", "due_at", "expected"),
    [
        (ago(days=7), ago(minutes=15), 900),
        (ago(minutes=15), ago(days=7), 900),
        (ago(minutes=15), None, 900),
        (None, ago(minutes=15), 900),
        (None, None, None),
    ],
)
def test_a_task_waits_since_the_later_of_its_creation_and_its_plan(
    engine: sa.Engine, created_at: datetime | None, due_at: datetime | None, expected: int | None
) -> None:
    backlog = planned(engine, queued(due_at, created_at), queued(ago(days=-1), ago(days=9))).backlog
    assert expected == backlog.queued.oldest_age_seconds


def test_the_oldest_is_the_one_that_has_been_ready_longest(engine: sa.Engine) -> None:
    backlog = planned(
        engine,
        queued(ago(days=-7), ago(days=7)),
        queued(ago(minutes=1), ago(days=7)),
        queued(None, ago(minutes=2)),
    ).backlog
    assert TaskReference("3", None) == backlog.queued.oldest


@pytest.mark.parametrize(
    ("due", "waited", "took"),
    [(None, 20, 30), (40, 20, 30), (30, 20, 30), (25, 15, 25), (10, 0, 10), (9, 20, 30)],
)
def test_latencies_begin_at_a_plan_that_the_work_kept(
    engine: sa.Engine, due: int | None, waited: int, took: int
) -> None:
    task = completed(ago(seconds=30), ago(seconds=10))
    due_at = None if due is None else ago(seconds=due)
    latency = planned(engine, task | {"due_at": due_at}).latency
    assert (waited * 1000, 10_000, took * 1000) == (
        measured(latency.time_to_processing_ms).max,
        measured(latency.time_to_complete_ms).max,
        measured(latency.end_to_end_ms).max,
    )


@on("postgresql", "postgresql-by-url")
def test_a_task_that_is_never_due_is_scheduled(engine: sa.Engine) -> None:
    TABLE.create(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO jobs (status, due_at) VALUES ('queued', 'infinity')"
        )
    backlog = snapshot_of(engine, SOURCE).backlog
    assert backlog.scheduled is not None
    assert (0, 1) == (backlog.queued.count, backlog.scheduled.count)


@on("sqlite")
def test_the_answer_has_scheduled_only_with_a_plan(engine: sa.Engine, database_url: str) -> None:
    TABLE.create(engine)
    with hosted(database_url, SOURCE) as app:
        backlog = body_of(get_snapshot(app.test_client()))["backlog"]
    with hosted(database_url, TABLE) as app:
        without = body_of(get_snapshot(app.test_client()))["backlog"]
    assert {"count": 0} == backlog.pop("scheduled")
    assert without == backlog


@on("sqlite")
def test_the_log_counts_scheduled_tasks(
    engine: sa.Engine, database_url: str, metric_log: pytest.LogCaptureFixture
) -> None:
    planned(engine, queued(ago(days=-10_000)))
    with hosted(database_url, SOURCE) as app:
        get_snapshot(app.test_client())
    assert any("backlogScheduled=1 " in message for message in metric_log.messages)


def test_a_plan_of_another_type_is_refused() -> None:
    table = job_table(due_at=sa.Integer())
    assert refusal_of(TaskSource(table, due_at="due_at")).startswith("due_at is mapped to a column")


def test_a_source_without_a_plan_does_not_ask_for_it() -> None:
    assert "due_at" not in TaskSource(TABLE).tasks.c
