"""Tasks are counted by status, and the backlog with the age of its oldest."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from flask_task_metrics import Backlog, BacklogCount, TaskCounts, TaskReference
from tests.support.host import add_tasks, snapshot_of
from tests.support.jobs import job_table
from tests.support.tasks import END, MICROSECOND, OTHER_STATUSES, STATUSES, ago, completed


def test_created_counts_tasks_of_every_status(engine: sa.Engine) -> None:
    statuses = (*STATUSES, *OTHER_STATUSES, None)
    add_tasks(engine, *({"status": status, "created_at": END} for status in statuses))
    assert len(statuses) == snapshot_of(engine).tasks.created


def test_status_counts_by_updated_at_not_created_at(engine: sa.Engine) -> None:
    for status in STATUSES:
        add_tasks(
            engine,
            {"status": status, "created_at": ago(days=1), "updated_at": END},
            {"status": status, "created_at": ago(days=1), "updated_at": None},
            {"status": status, "created_at": END, "updated_at": ago(days=1)},
        )
    assert TaskCounts(5, 1, 1, 1, 1, 1) == snapshot_of(engine).tasks


def test_status_that_is_not_one_to_the_letter_is_not_counted(engine: sa.Engine) -> None:
    add_tasks(engine, *(completed(END, END) | {"status": status} for status in OTHER_STATUSES))
    assert TaskCounts(len(OTHER_STATUSES), 0, 0, 0, 0, 0) == snapshot_of(engine).tasks


def test_backlog_counts_tasks_however_old(engine: sa.Engine) -> None:
    old = {"created_at": ago(days=400), "processing_at": ago(days=400), "updated_at": ago(days=399)}
    add_tasks(engine, {"status": "queued"} | old, {"status": "processing"} | old)
    queued, processing = (
        BacklogCount(count=1, oldest_age_seconds=400 * 86_400, oldest=TaskReference(id, None))
        for id in ("1", "2")
    )
    assert Backlog(queued, processing) == snapshot_of(engine).backlog


def test_backlog_of_no_tasks_has_no_oldest(engine: sa.Engine) -> None:
    add_tasks(engine, completed(END, END))
    expected = BacklogCount(count=0, oldest_age_seconds=None, oldest=None)
    assert Backlog(queued=expected, processing=expected) == snapshot_of(engine).backlog


def test_backlog_of_tasks_without_timestamps_has_no_oldest(engine: sa.Engine) -> None:
    add_tasks(engine, {"status": "queued"}, {"status": "processing"})
    expected = BacklogCount(count=1, oldest_age_seconds=None, oldest=None)
    assert Backlog(queued=expected, processing=expected) == snapshot_of(engine).backlog


def test_queued_age_is_since_the_smallest_created_at(engine: sa.Engine) -> None:
    add_tasks(
        engine,
        {"status": "queued", "created_at": ago(seconds=10), "updated_at": ago(days=1)},
        {"status": "queued", "created_at": ago(seconds=5400)},
        {"status": "queued"},
        {"status": "failed", "created_at": ago(days=2)},
    )
    assert 5400 == snapshot_of(engine).backlog.queued.oldest_age_seconds


@pytest.mark.parametrize(
    ("processing_ages", "expected"),
    [
        ([(41, 90), (7, 7)], 41),
        ([(41, 90), (None, 60)], 60),
        ([(41, 90), (None, 20)], 41),
        ([(None, None), (3, None)], 3),
    ],
)
def test_processing_age_is_since_processing_at_or_else_updated_at(
    engine: sa.Engine, processing_ages: list[tuple[int | None, int | None]], expected: int
) -> None:
    def seconds_ago(seconds: int | None) -> datetime | None:
        return None if seconds is None else ago(seconds=seconds)

    add_tasks(
        engine,
        *(
            {
                "status": "processing",
                "created_at": ago(days=1),
                "processing_at": seconds_ago(processing),
                "updated_at": seconds_ago(updated),
            }
            for processing, updated in processing_ages
        ),
    )
    assert expected == snapshot_of(engine).backlog.processing.oldest_age_seconds


@pytest.mark.parametrize(("age", "expected"), [(1.0, 1), (1.999999, 1), (-0.5, 0)])
def test_age_is_cut_to_whole_seconds(engine: sa.Engine, age: float, expected: int) -> None:
    add_tasks(engine, {"status": "queued", "created_at": ago(seconds=age)})
    assert expected == snapshot_of(engine).backlog.queued.oldest_age_seconds


def test_oldest_leads_to_its_request(engine: sa.Engine) -> None:
    add_tasks(
        engine,
        {"status": "queued", "created_at": ago(seconds=5), "request_id": "req_1"},
        {"status": "queued", "created_at": ago(seconds=9), "request_id": "req_2"},
        {"status": "processing", "processing_at": ago(seconds=7), "request_id": "req_3"},
        {"status": "processing", "updated_at": ago(seconds=8), "request_id": "req_4"},
    )
    backlog = snapshot_of(engine).backlog
    assert TaskReference("2", "req_2") == backlog.queued.oldest
    assert TaskReference("4", "req_4") == backlog.processing.oldest


@pytest.mark.parametrize(
    ("microseconds", "expected"), [((0, 1, 0), "1"), ((1, 0, 0), "2"), ((2, 1, 0), "3")]
)
def test_oldest_is_the_smallest_id_of_the_smallest_microsecond(
    engine: sa.Engine, microseconds: tuple[int, ...], expected: str
) -> None:
    began = (ago(minutes=9) + number * MICROSECOND for number in microseconds)
    add_tasks(engine, *({"status": "queued", "created_at": at} for at in began))
    assert TaskReference(expected, None) == snapshot_of(engine).backlog.queued.oldest


@pytest.mark.parametrize("id_type", [sa.Uuid(), sa.String(32)])
def test_oldest_has_an_id_of_any_type(engine: sa.Engine, id_type: Any) -> None:
    table = job_table(id=id_type)
    table.create(engine)
    ids: list[Any] = ["b" * 32, "a" * 32, "c" * 32]
    if isinstance(id_type, sa.Uuid):
        ids = [UUID(digits) for digits in ids]
    queued = {"status": "queued", "created_at": END}
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [queued | {"id": id} for id in ids])
    assert TaskReference(str(ids[1]), None) == snapshot_of(engine, table).backlog.queued.oldest
