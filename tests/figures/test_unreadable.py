"""A timestamp that can't be subtracted is an error that names its column, if a figure needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import BacklogCount, MetricsError, TaskReference, TaskSource
from flask_task_metrics.dialects import family_of
from tests.support.databases import on
from tests.support.host import HEADERS, PATH, Task, add_tasks, hosted, snapshot_of
from tests.support.series import series_of
from tests.support.tasks import END, completed, failed, measured

QUEUED = {"status": "queued", "created_at": END, "updated_at": END}
PROCESSING = {"status": "processing", "created_at": END, "processing_at": END, "updated_at": END}
STARTING = PROCESSING | {"processing_at": None}
COMPLETED = completed(END, END)
FAILED = failed("NO_ANSWER")
CANCELLED = FAILED | {"status": "cancelled", "created_at": END}

NEEDED = [
    (QUEUED, "created_at"),
    (PROCESSING, "processing_at"),
    (STARTING, "updated_at"),
    (COMPLETED, "created_at"),
    (COMPLETED, "processing_at"),
]
"""Timestamps that a figure needs, whatever they are."""

NEEDED_IN_THE_WINDOW = [(COMPLETED, "completed_at"), (FAILED, "updated_at")]


def add_with_text(engine: sa.Engine, task: Mapping[str, Any], column: str, text: str) -> None:
    """Insert a task, and write a text that its column's type would refuse."""
    add_tasks(engine, dict(task))
    with engine.connect() as connection:
        if family_of(engine.dialect) == "mysql":
            connection.exec_driver_sql("SET sql_mode = ''")
        value: Any = sa.literal_column(f"'{text}'")
        connection.execute(sa.update(Task).values({column: value}))
        connection.commit()
        # Its session stays permissive.
        connection.invalidate()


def error_of(engine: sa.Engine) -> str:
    """Return the text of the error that a snapshot ends in."""
    with pytest.raises(MetricsError) as raised:
        snapshot_of(engine)
    return str(raised.value)


@on("postgresql", "postgresql-by-url")
@pytest.mark.parametrize(
    ("task", "column", "text"),
    [
        *((*needed, "-infinity") for needed in NEEDED),
        *((*needed, "infinity") for needed in NEEDED + NEEDED_IN_THE_WINDOW),
        (FAILED, "updated_at", "294000-01-01"),
    ],
)
def test_infinity_is_an_error_that_names_the_column(
    engine: sa.Engine, task: Mapping[str, Any], column: str, text: str
) -> None:
    add_with_text(engine, task, column, text)
    assert f"{column} is infinity or a year after 9999 in 1 task (id 1)" == error_of(engine)


@on("mariadb", "mysql")
@pytest.mark.parametrize(
    ("task", "column", "text"),
    [
        *((*needed, "0000-00-00 00:00:00") for needed in NEEDED),
        *((*needed, "2026-01-00 09:30:00") for needed in NEEDED),
        *((*needed, "2026-00-30 09:30:00") for needed in NEEDED),
        *((*needed, "2026-02-00 09:30:00") for needed in NEEDED_IN_THE_WINDOW),
    ],
)
def test_zero_date_is_an_error_that_names_the_column(
    engine: sa.Engine, task: Mapping[str, Any], column: str, text: str
) -> None:
    add_with_text(engine, task, column, text)
    assert f"{column} is a zero date in 1 task (id 1)" == error_of(engine)


@on("mariadb", "mysql")
@pytest.mark.parametrize(("task", "column"), NEEDED_IN_THE_WINDOW)
def test_zero_date_is_an_error_of_the_course_of_time_too(
    engine: sa.Engine, task: Mapping[str, Any], column: str
) -> None:
    add_with_text(engine, task, column, "2026-02-00 09:30:00")
    with pytest.raises(MetricsError, match=f"{column} is a zero date in 1 task"):
        series_of(engine)


@on("sqlite")
@pytest.mark.parametrize(
    ("task", "column", "text"),
    [
        *((*needed, "30.01.2026") for needed in NEEDED),
        *((*needed, "garbage") for needed in NEEDED + NEEDED_IN_THE_WINDOW),
        *((*needed, "2026-01-30T11:30:00+02:00") for needed in NEEDED + NEEDED_IN_THE_WINDOW),
        (CANCELLED, "created_at", "garbage"),
    ],
)
def test_text_that_is_no_timestamp_is_an_error_that_names_the_column(
    engine: sa.Engine, task: Mapping[str, Any], column: str, text: str
) -> None:
    add_with_text(engine, task, column, text)
    expected = f"{column} is text that is not a UTC timestamp in 1 task (id 1)"
    assert expected == error_of(engine)


@on("sqlite")
def test_error_names_each_column_and_counts_each_task_once(engine: sa.Engine) -> None:
    add_tasks(engine, QUEUED, COMPLETED)
    add_with_text(engine, CANCELLED, "created_at", "garbage")
    with engine.begin() as connection:
        connection.execute(sa.update(Task).values(processing_at=sa.literal("garbage", sa.String())))
    kind = "is text that is not a UTC timestamp in"
    expected = f"created_at {kind} 3 tasks (id 1); processing_at {kind} 3 tasks (id 1)"
    assert expected == error_of(engine)


@on("sqlite")
def test_log_names_the_column_under_a_plain_500(
    engine: sa.Engine, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    add_with_text(engine, QUEUED, "created_at", "garbage")
    with hosted(database_url) as app:
        response = app.test_client().get(PATH, headers=HEADERS)
    assert (500, "METRICS_ERROR") == (response.status_code, response.get_json()["code"])
    assert "created_at" not in response.text
    assert "created_at is text that is not a UTC timestamp in 1 task (id 1)" in caplog.text


@on("postgresql", "postgresql-by-url")
def test_infinity_that_no_figure_subtracts_is_counted(engine: sa.Engine) -> None:
    add_with_text(engine, CANCELLED, "created_at", "infinity")
    with engine.begin() as connection:
        connection.execute(sa.update(Task).values(updated_at=sa.literal_column("'infinity'")))
    tasks = snapshot_of(engine).tasks
    assert (1, 1) == (tasks.created, tasks.cancelled)


@on("mariadb", "mysql")
def test_zero_date_that_is_not_in_the_window_is_in_no_figure(engine: sa.Engine) -> None:
    add_with_text(engine, COMPLETED, "completed_at", "0000-00-00 00:00:00")
    assert 0 == measured(snapshot_of(engine).latency.end_to_end_ms).samples


@on("mariadb", "mysql")
def test_zero_date_can_be_mapped_to_null(engine: sa.Engine) -> None:
    add_with_text(engine, COMPLETED, "processing_at", "0000-00-00 00:00:00")
    began_at = sa.case((sa.func.month(Task.processing_at) > 0, Task.processing_at))
    latency = snapshot_of(engine, TaskSource(Task, processing_at=began_at)).latency
    assert (0, 1) == (
        measured(latency.time_to_complete_ms).samples,
        measured(latency.end_to_end_ms).samples,
    )


MS_FROM_2026_TO_294000 = 9_213_806_901_600_000


@on("postgresql", "postgresql-by-url")
@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("created_at", (None, 0, None)),
        ("completed_at", (0, MS_FROM_2026_TO_294000, MS_FROM_2026_TO_294000)),
    ],
)
def test_durations_to_the_year_294000_are_exact(
    engine: sa.Engine, column: str, expected: tuple[int | None, ...]
) -> None:
    add_with_text(engine, COMPLETED, column, "294000-01-01")
    latency = snapshot_of(engine).latency
    assert expected == (
        measured(latency.time_to_processing_ms).max,
        measured(latency.time_to_complete_ms).max,
        measured(latency.end_to_end_ms).max,
    )


@on("postgresql", "postgresql-by-url")
def test_age_since_the_year_294000_is_exact(engine: sa.Engine) -> None:
    add_with_text(engine, QUEUED, "created_at", "294000-01-01")
    expected = BacklogCount(1, -MS_FROM_2026_TO_294000 // 1000, TaskReference("1", None))
    assert expected == snapshot_of(engine).backlog.queued
