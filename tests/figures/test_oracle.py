"""The figures of any tasks are those of the oracle."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import lru_cache

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_task_metrics import TaskSource
from flask_task_metrics.figures.latencies import latencies_of
from tests.support.generated import GENERATED, lists_of_tasks, moments_near, mounted_on
from tests.support.host import SOURCE, Task, Timestamp, snapshot_of
from tests.support.jobs import job_table
from tests.support.oracle import TaskRow, expected_snapshot
from tests.support.tasks import (
    MESSAGES,
    OTHER_STATUSES,
    STATUSES,
    WINDOW,
    ago,
)


def replace_tasks(engine: sa.Engine, tasks: Sequence[TaskRow]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(Task))
        if tasks:
            connection.execute(sa.insert(Task), [asdict(task) for task in tasks])


PLANNED = job_table(due_at=Timestamp)
PLANNED_SOURCE = TaskSource(PLANNED, due_at="due_at")

latencies_on = lru_cache(maxsize=1)(latencies_of)

MANY = 1_000_000
"""From so many tasks on, the latencies are measured in another way."""

OFFSETS = (-1_001, -1_000, -999, -400, -1, 0, 1, 499, 500, 999, 1_000, 1_001, 61_000_000)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)

moments = moments_near(OFFSETS, -(10**12))
task_lists = lists_of_tasks(
    moments,
    st.none() | st.sampled_from((*("completed", "failed") * 3, *STATUSES, *OTHER_STATUSES)),
    error_message=st.none() | st.sampled_from(MESSAGES) | texts,
    request_id=st.none() | texts,
)


@given(tasks=task_lists)
@settings(GENERATED, max_examples=100)
def test_figures_of_generated_tasks_are_those_of_the_oracle(
    engine: sa.Engine, tasks: list[TaskRow]
) -> None:
    replace_tasks(engine, tasks)
    expected = expected_snapshot(tasks, WINDOW, limit=100)
    assert expected == mounted_on(engine, SOURCE).snapshot()
    with engine.connect() as connection:
        for_many = latencies_on(SOURCE, engine.dialect)
        assert expected.latency == for_many.read(connection, WINDOW, completed=MANY)


@given(tasks=task_lists, due=st.lists(st.none() | moments, min_size=14, max_size=14))
@settings(GENERATED, max_examples=50)
def test_figures_of_planned_tasks_are_those_of_the_oracle(
    engine: sa.Engine, tasks: list[TaskRow], due: list[datetime | None]
) -> None:
    PLANNED.create(engine, checkfirst=True)
    due_at = {task.id: moment for task, moment in zip(tasks, due, strict=False)}
    with engine.begin() as connection:
        connection.execute(sa.delete(PLANNED))
        if tasks:
            rows = [asdict(task) | {"due_at": due_at[task.id]} for task in tasks]
            connection.execute(sa.insert(PLANNED), rows)
    expected = expected_snapshot(tasks, WINDOW, limit=100, due_at=due_at)
    assert expected == mounted_on(engine, PLANNED_SOURCE).snapshot()
    with engine.connect() as connection:
        for_many = latencies_on(PLANNED_SOURCE, engine.dialect)
        assert expected.latency == for_many.read(connection, WINDOW, completed=MANY)


def log_normal_tasks(count: int) -> list[TaskRow]:
    """Return tasks of the last three hours, as a busy backend has them."""
    drawn = random.Random(20260130)
    tasks = []
    for number in range(1, count + 1):
        created = ago(hours=3) + timedelta(seconds=drawn.uniform(0, 3 * 3600))
        processing = created + timedelta(seconds=drawn.lognormvariate(1, 1))
        done = processing + timedelta(seconds=drawn.lognormvariate(3, 1))
        status = drawn.choices(STATUSES, weights=(80, 10, 5, 2, 3))[0]
        tasks.append(
            TaskRow(
                id=number,
                status=status,
                created_at=created,
                processing_at=None if status == "queued" else processing,
                completed_at=done if status == "completed" else None,
                updated_at=done,
                error_message=drawn.choice(MESSAGES) if status == "failed" else None,
                request_id=f"req_{number}",
            )
        )
    return tasks


@pytest.mark.slow
def test_figures_of_many_tasks_are_those_of_the_oracle(engine: sa.Engine) -> None:
    tasks = log_normal_tasks(20_000)
    replace_tasks(engine, tasks)
    assert expected_snapshot(tasks, WINDOW) == snapshot_of(engine)
