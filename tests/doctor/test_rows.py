"""The doctor counts rows that the figures miss or misreport."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import TaskSource
from tests.support.databases import on, run
from tests.support.doctor import (
    LONGER_AGO,
    MINUTE,
    YESTERDAY,
    completed_ago,
    copy_of_tasks,
    wrong,
)
from tests.support.host import Task, Timestamp, add_tasks, current_utc, hosted


def test_statuses_that_the_mapping_does_not_know_are_counted(app: Flask, engine: sa.Engine) -> None:
    recent = {"created_at": current_utc() - YESTERDAY, "updated_at": current_utc() - YESTERDAY}
    old = {"created_at": current_utc() - LONGER_AGO, "updated_at": current_utc() - LONGER_AGO}
    never_updated = recent | {"updated_at": None}
    updated = old | {"updated_at": current_utc() - YESTERDAY}
    add_tasks(
        engine,
        *({"status": "in review"} | at for at in (recent, never_updated, updated, old)),
        *({"status": None} | at for at in (recent, updated, old)),
        *({"status": status} | recent for status in ("queued", "QUEUED", "failed", "failed ")),
        {"status": "archived"} | old,
    )
    named = '"in review" in 3 tasks, NULL in 2 tasks, QUEUED in 1 task, "failed " in 1 task'
    problem = f"not mapped: {named}; map them in TaskSource(statuses=…)"
    assert {"statuses": problem} == wrong(app)


def test_a_status_stays_in_its_line_whatever_it_holds(app: Flask, engine: sa.Engine) -> None:
    status = 'a\nb\x1b[2J"=\\é\u202e'
    add_tasks(engine, {"status": status, "created_at": current_utc()})
    quoted = r'"a\nb\u001b[2J\"=\\é\u202e"'
    problem = f"not mapped: {quoted} in 1 task; map them in TaskSource(statuses=…)"
    assert {"statuses": problem} == wrong(app)


def test_of_many_unknown_statuses_the_most_frequent_are_named(
    app: Flask, engine: sa.Engine
) -> None:
    at = current_utc()
    add_tasks(
        engine,
        *({"status": f"step {number:03}", "created_at": at} for number in range(120)),
        *({"status": "step 050", "created_at": at} for _ in range(3)),
    )
    named = wrong(app)["statuses"].split(", ")
    assert (10, 'not mapped: "step 050" in 4 tasks') == (len(named), named[0])


def test_the_first_hundred_statuses_are_read(app: Flask, engine: sa.Engine) -> None:
    at = current_utc()
    frequent = ("step 099", "step 099", "step 100", "step 100")
    add_tasks(
        engine,
        *({"status": f"step {number:03}", "created_at": at} for number in range(101)),
        *({"status": status, "created_at": at} for status in frequent),
    )
    named = wrong(app)["statuses"]
    assert named.startswith('not mapped: "step 099" in 3 tasks, ')
    assert "step 100" not in named


class Stage(enum.Enum):
    """The statuses of a column that holds no others, or numbers."""

    COMPLETED = 1
    ARCHIVED = 2


@pytest.mark.parametrize("native", [True, False])
def test_an_enum_column_may_hold_members_that_are_not_mapped(
    engine: sa.Engine, native: bool
) -> None:
    column_type = sa.Enum(Stage, native_enum=native, name="stage")
    with other_tasks(engine, column_type, Stage.COMPLETED, Stage.ARCHIVED, Stage.ARCHIVED) as app:
        found = {"statuses": "not mapped: ARCHIVED in 2 tasks; map them in TaskSource(statuses=…)"}
        assert found == wrong(app)


def test_a_boolean_may_be_mapped_to_nothing(engine: sa.Engine) -> None:
    table = copy_of_tasks("other_tasks")
    table.append_column(sa.Column("status", sa.Boolean()), replace_existing=True)
    table.create(engine)
    with engine.begin() as connection:
        tasks = [completed_ago(status=status) for status in (True, True, False)]
        connection.execute(sa.insert(table), tasks)
    nothing: dict[str, Any] = dict.fromkeys(("failed", "cancelled", "processing", "queued"), ())
    source = TaskSource(table, statuses=nothing | {"completed": False})
    with hosted(engine.url, source) as app:
        assert re.match(r"not mapped: \w+ in 2 tasks", wrong(app)["statuses"])


def test_a_column_of_numbers_may_hold_some_that_are_not_mapped(engine: sa.Engine) -> None:
    with other_tasks(engine, sa.Integer(), 1, 2, 2) as app:
        found = {"statuses": "not mapped: 2 in 2 tasks; map them in TaskSource(statuses=…)"}
        assert found == wrong(app)


@contextmanager
def other_tasks(engine: sa.Engine, column_type: Any, *statuses: Any) -> Iterator[Flask]:
    """Yield a host with tasks of these statuses, of which the member COMPLETED is mapped alone."""
    table = copy_of_tasks("other_tasks")
    table.append_column(sa.Column("status", column_type), replace_existing=True)
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [completed_ago(status=status) for status in statuses])
    mapping: dict[str, Any] = dict.fromkeys(("failed", "cancelled", "processing", "queued"), ())
    with hosted(
        engine.url, TaskSource(table, statuses=mapping | {"completed": Stage.COMPLETED})
    ) as app:
        yield app


def test_timestamps_that_completed_tasks_lack_are_counted(app: Flask, engine: sa.Engine) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("created_at", "processing_at", "completed_at"))
    add_tasks(
        engine,
        completed_ago(processing_at=None),
        completed_ago(processing_at=None),
        completed_ago(created_at=None),
        completed_ago(**nothing),
        completed_ago(LONGER_AGO, processing_at=None),
        completed_ago(LONGER_AGO, **nothing),
        completed_ago(status="processing", completed_at=None),
    )
    problem = (
        "NULL in completed tasks: completed_at in 1, created_at in 2, processing_at in 3; "
        "set each one when the status changes"
    )
    assert {"timestamps": problem} == wrong(app)


def test_tasks_that_no_status_counts_are_counted(app: Flask, engine: sa.Engine) -> None:
    never: dict[str, Any] = {"updated_at": None}
    add_tasks(
        engine,
        *[completed_ago(**never, created_at=current_utc() - LONGER_AGO)] * 2,
        *[completed_ago(LONGER_AGO, **never)] * 3,
        *[completed_ago(status="failed", **never, completed_at=None)] * 4,
        *[completed_ago(LONGER_AGO, status="queued", **never)] * 5,
        *[completed_ago(LONGER_AGO, status="processing", **never)] * 6,
        completed_ago(status="cancelled"),
    )
    problem = (
        "NULL updated_at, so tasks.* miss: 2 completed, 4 failed, 6 processing, 5 queued; "
        'map a list of columns, as in TaskSource(updated_at=["finished_at", "created_at"]), '
        'or the status to "ignored" if no column tells'
    )
    assert {"updates": problem} == wrong(app)


def test_without_other_timestamps_every_task_must_have_been_updated(engine: sa.Engine) -> None:
    add_tasks(engine, {"status": "failed"}, {"status": "failed", "created_at": current_utc()})
    source = TaskSource(Task, created_at=None, completed_at=None)
    with hosted(engine.url, source) as app:
        assert "tasks.* miss: 2 failed;" in wrong(app)["updates"]


def test_negative_durations_are_counted_with_an_example(app: Flask, engine: sa.Engine) -> None:
    at = current_utc() - YESTERDAY
    add_tasks(
        engine,
        completed_ago(),
        completed_ago(created_at=at, processing_at=at - MINUTE, completed_at=at),
        completed_ago(created_at=at, processing_at=at + MINUTE, completed_at=at),
        completed_ago(LONGER_AGO, processing_at=current_utc()),
    )
    problem = (
        "processing_at is before created_at in 1 task (id 2), "
        "completed_at is before processing_at in 1 task (id 3); "
        "synchronize the workers' clocks with NTP"
    )
    assert {"durations": problem} == wrong(app)


def test_timestamps_in_the_future_are_counted(app: Flask, engine: sa.Engine) -> None:
    ahead = current_utc() + timedelta(hours=5.5)
    add_tasks(
        engine,
        completed_ago(created_at=ahead, processing_at=ahead, completed_at=ahead, updated_at=ahead),
        completed_ago(updated_at=current_utc() + timedelta(hours=1)),
        completed_ago(status="processing", processing_at=ahead),
        completed_ago(status="queued", processing_at=ahead),
    )
    found = wrong(app)
    hours = re.sub(
        r"(\d+) s", lambda seconds: f"{round(int(seconds[1]) / 3600, 2)} h", found["future"]
    )
    named = (
        "created_at in 1 task by up to 5.5 h, processing_at in 1 task by up to 5.5 h, "
        "completed_at in 1 task by up to 5.5 h, updated_at in 2 tasks by up to 5.5 h"
    )
    assert ["future"] == list(found)
    assert f"ahead of the database's clock: {named}; store UTC, not local time" == hours


def test_a_timestamp_less_than_a_second_ahead_is_well(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, completed_ago(-timedelta(seconds=0.9)))
    assert {} == wrong(app)


@pytest.fixture
def planned(engine: sa.Engine) -> Iterator[tuple[Flask, sa.Table]]:
    """Yield a host whose tasks have planned times, and its table."""
    table = copy_of_tasks("planned_tasks")
    table.append_column(sa.Column("due_at", Timestamp))
    table.create(engine)
    with hosted(engine.url, TaskSource(table, due_at="due_at")) as app:
        yield app, table


def test_a_plan_may_be_ahead(planned: tuple[Flask, sa.Table], engine: sa.Engine) -> None:
    app, table = planned
    at = current_utc()
    task = {"status": "queued", "created_at": at, "updated_at": at}
    with engine.begin() as connection:
        connection.execute(sa.insert(table).values(task | {"due_at": at + timedelta(days=1)}))
    assert {} == wrong(app)


@on("sqlite")
def test_a_plan_that_is_no_utc_timestamp_is_found(
    planned: tuple[Flask, sa.Table], engine: sa.Engine
) -> None:
    app, _ = planned
    run(engine, "INSERT INTO planned_tasks (status, due_at) VALUES ('done', 'tomorrow')")
    assert {"utc": NOT_UTC} == wrong(app)


NOT_UTC = (
    "a timestamp is not UTC; "
    "store every timestamp as SQLAlchemy writes it: 2026-01-30 09:58:12.345678"
)


@on("sqlite")
def test_text_that_is_no_utc_timestamp_is_found(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, completed_ago())
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tasks SET created_at = '2999-01-30T11:30:00+02:00'")
    assert NOT_UTC == wrong(app)["future"]


@on("sqlite")
@pytest.mark.parametrize("stored", ["2026-01-30 04:30:00-05:00", 1769765400, "01/30/2026 09:30"])
def test_a_timestamp_that_no_window_comes_upon_is_found(
    app: Flask, engine: sa.Engine, stored: str | int
) -> None:
    add_tasks(engine, completed_ago())
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tasks SET updated_at = ?", (stored,))
    assert {"utc": NOT_UTC} == wrong(app)


@on("sqlite")
@pytest.mark.parametrize(("newer_tasks", "expected"), [(999, {"utc": NOT_UTC}), (1_000, {})])
def test_the_timestamps_of_the_newest_1000_tasks_are_read(
    app: Flask, engine: sa.Engine, newer_tasks: int, expected: dict[str, str]
) -> None:
    add_tasks(engine, completed_ago())
    run(engine, "UPDATE tasks SET updated_at = '2026-01-30 04:30:00-05:00'")
    with engine.begin() as connection:
        connection.execute(sa.insert(Task), [completed_ago()] * newer_tasks)
    assert expected == wrong(app)


@on("mariadb", "mysql", "postgresql")
@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["processing_at"], "processing_at drops"),
        (["created_at", "completed_at"], "created_at and completed_at drop"),
    ],
)
def test_timestamps_without_fractions_are_found(
    app: Flask, engine: sa.Engine, names: list[str], problem: str
) -> None:
    run(engine, *(WITHOUT_FRACTIONS[engine.dialect.name].format(name) for name in names))
    hint = f"use {PRECISE_TYPE[engine.dialect.name]}"
    assert {"fractions": f"{problem} fractions of a second; {hint}"} == wrong(app)


WITHOUT_FRACTIONS = {
    "postgresql": "ALTER TABLE tasks ALTER COLUMN {} TYPE timestamp(0)",
    "mariadb": "ALTER TABLE tasks MODIFY {} DATETIME",
    "mysql": "ALTER TABLE tasks MODIFY {} DATETIME",
}
PRECISE_TYPE = {
    "postgresql": "timestamp(6) or timestamptz(6)",
    "mariadb": "DATETIME(6)",
    "mysql": "DATETIME(6)",
}
