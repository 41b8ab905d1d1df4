"""What a source does not record is null, never a zero."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import Latency, TaskReference, TaskSource, recommended_indexes
from flask_task_metrics.figures.latencies import latencies_of
from tests.support.databases import on
from tests.support.doctor import completed_ago, wrong
from tests.support.host import Task, Timestamp, add_tasks, hosted, snapshot_of
from tests.support.http import body_of, get_snapshot
from tests.support.jobs import COLUMNS, TASKS, job_table, refusal_of, store
from tests.support.oracle import expected_without
from tests.support.tasks import END, WINDOW, ago, codes_of, failed

ROLES = ("created_at", "processing_at", "completed_at", "error_message")


def unrecorded(selectable: Any, *roles: str) -> TaskSource:
    nothing: dict[str, Any] = dict.fromkeys(roles)
    return TaskSource(selectable, **nothing)


NO_COLUMN = unrecorded(Task, *ROLES)


@pytest.mark.parametrize(
    "roles", [roles for count in (1, 2, 4) for roles in combinations(ROLES, count)], ids=str
)
def test_figures_of_what_is_recorded_are_those_of_the_oracle(
    engine: sa.Engine, roles: tuple[str, ...]
) -> None:
    table = job_table()
    store(engine, table)
    source = unrecorded(table, *roles)
    expected = expected_without(TASKS, WINDOW, *roles)
    assert expected == snapshot_of(engine, source)
    with engine.connect() as connection:
        for_many = latencies_of(source, engine.dialect)
        assert expected.latency == for_many.read(connection, WINDOW, completed=1_000_000)


def test_the_table_needs_no_such_columns(engine: sa.Engine) -> None:
    columns = (sa.Column(name, of) for name, of in COLUMNS.items() if name not in ROLES)
    table = sa.Table("few_columns", sa.MetaData(), *columns)
    table.create(engine)
    snapshot = snapshot_of(engine, unrecorded(table, *ROLES))
    assert (None, 0) == (snapshot.tasks.created, snapshot.tasks.completed)
    assert Latency(None, None, None) == snapshot.latency
    assert snapshot.top_errors is None


def test_a_code_alone_is_enough_for_the_errors(engine: sa.Engine) -> None:
    add_tasks(engine, failed("NO_ANSWER: 31 s"), failed(None), failed(" "))
    source = TaskSource(Task, error_message=None, error_code="error_message")
    assert [("UNKNOWN", 2), ("NO_ANSWER: 31 s", 1)] == codes_of(snapshot_of(engine, source))


def test_a_plan_tells_the_age_of_tasks_without_a_creation(engine: sa.Engine) -> None:
    table = job_table(due_at=Timestamp)
    table.create(engine)
    with engine.begin() as connection:
        for due_at in (None, ago(seconds=7), ago(days=-1)):
            connection.execute(sa.insert(table).values(status="queued", due_at=due_at))
    queued = snapshot_of(engine, TaskSource(table, created_at=None, due_at="due_at")).backlog.queued
    assert (2, 7, TaskReference("2", None)) == (
        queued.count,
        queued.oldest_age_seconds,
        queued.oldest,
    )


@pytest.mark.parametrize("null", [sa.null(), sa.cast(sa.null(), sa.DateTime())])
def test_a_null_in_its_place_is_refused(null: Any) -> None:
    expected = "processing_at is mapped to null; say processing_at=None if it is not recorded"
    assert expected == refusal_of(TaskSource(job_table(), processing_at=null))


@on("sqlite")
def test_the_answer_says_null(engine: sa.Engine, database_url: str) -> None:
    add_tasks(engine, {"status": "queued", "created_at": END})
    with hosted(database_url, NO_COLUMN) as app:
        body = body_of(get_snapshot(app.test_client()))
    assert body["tasks"]["created"] is None
    assert {"count": 1, "oldestAgeSeconds": None, "oldest": None} == body["backlog"]["queued"]
    latencies = ("timeToProcessingMs", "timeToCompleteMs", "endToEndMs")
    assert dict.fromkeys(latencies) == body["latency"]
    assert body["topErrors"] is None


@on("sqlite")
def test_the_log_leaves_it_out(
    engine: sa.Engine, database_url: str, metric_log: pytest.LogCaptureFixture
) -> None:
    with hosted(database_url, NO_COLUMN) as app:
        get_snapshot(app.test_client())
    [line] = (line for line in metric_log.messages if "metrics.snapshot" in line)
    assert "completed=0" in line
    assert not any(name in line for name in ("created=", "samples="))


def test_the_doctor_does_not_complain(engine: sa.Engine) -> None:
    add_tasks(engine, completed_ago() | dict.fromkeys(ROLES))
    with hosted(engine.url, NO_COLUMN) as app:
        assert {} == wrong(app)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (("created_at",), [["status", "updated_at"], ["status", "completed_at", "processing_at"]]),
        (("completed_at",), [["created_at"], ["status", "updated_at"]]),
        (("created_at", "processing_at"), [["status", "updated_at"]]),
        (ROLES, [["status", "updated_at"]]),
    ],
)
def test_no_index_is_recommended_for_it(roles: tuple[str, ...], expected: list[list[str]]) -> None:
    indexes = recommended_indexes(unrecorded(job_table(), *roles))
    assert expected == [[str(part) for part in index.expressions] for index in indexes]
