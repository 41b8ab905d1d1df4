"""The figures of so many tasks that a sample is looked at first are exact, whatever it shows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskSource, Window
from flask_task_metrics.latencies import SLICES
from flask_task_metrics.percentiles import BOUNDS, PARTS, SAMPLED_FROM, bounds, sampled_one_in

from .host import NOW, Task, snapshot_of
from .oracle import TaskRow, latency

WINDOW = Window.ending(NOW, 60)
TASKS = SAMPLED_FROM + 1

SLICE = timedelta(hours=1) / SLICES
SAMPLED = SLICE / sampled_one_in(TASKS)
BETWEEN_TASKS = timedelta(hours=1) / TASKS


def log_normal(number: int) -> float:
    return random.Random(number).lognormvariate(1, 1)


def no_time(_: int) -> float:
    return 0


def none_alike(number: int) -> float:
    return number * 7_919 % TASKS


def slow_where_it_is_sampled(number: int) -> float:
    return 10 + number if is_sampled(number) else 1 + number / TASKS


def fast_where_it_is_sampled(number: int) -> float:
    return 1 + number / TASKS if is_sampled(number) else 10 + number


def negative_where_it_is_sampled(number: int) -> float:
    return -1 if is_sampled(number) else 10 + number


def negative_where_it_is_not_sampled(number: int) -> float:
    return 10 + number if is_sampled(number) else -1


def is_sampled(number: int) -> bool:
    """Whether a task is one of the first in its slice of the hour."""
    return number * BETWEEN_TASKS % SLICE <= SAMPLED


DURATIONS = (
    log_normal,
    no_time,
    none_alike,
    slow_where_it_is_sampled,
    fast_where_it_is_sampled,
    negative_where_it_is_sampled,
    negative_where_it_is_not_sampled,
)


def completed_tasks(wait: Callable[[int], float], run: Callable[[int], float]) -> list[TaskRow]:
    """Tasks completed one after the other, evenly over the window."""
    start = WINDOW.start.replace(tzinfo=None)
    tasks = []
    for number in range(TASKS):
        done = start + number * BETWEEN_TASKS
        began = done - timedelta(seconds=run(number))
        tasks.append(
            TaskRow(
                id=number + 1,
                status="completed",
                created_at=began - timedelta(seconds=wait(number)),
                processing_at=began,
                completed_at=done,
                updated_at=done,
                error_message=None,
                request_id=None,
            )
        )
    return tasks


def add(engine: sa.Engine, tasks: list[TaskRow]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(Task), [asdict(task) for task in tasks])


@pytest.mark.parametrize("wait", DURATIONS, ids=lambda durations: durations.__name__)
def test_latencies_of_many_tasks_are_those_of_the_oracle(
    engine: sa.Engine, wait: Callable[[int], float]
) -> None:
    tasks = completed_tasks(wait, log_normal)
    add(engine, tasks)
    assert latency(tasks, WINDOW) == snapshot_of(engine).latency


def statements_for(engine: sa.Engine, wait: Callable[[int], float]) -> int:
    """How many statements the snapshot of tasks with such waits takes."""
    with engine.begin() as connection:
        connection.execute(sa.delete(Task))
    add(engine, completed_tasks(wait, log_normal))
    executed: list[object] = []

    def record(*execution: object) -> None:
        executed.append(execution)

    sa.event.listen(engine, "before_cursor_execute", record)
    snapshot_of(engine)
    sa.event.remove(engine, "before_cursor_execute", record)
    return len(executed)


@pytest.mark.parametrize("database_url", ["sqlite", "mariadb"], indirect=True)
def test_a_sample_that_misleads_costs_a_second_count(engine: sa.Engine) -> None:
    usual = statements_for(engine, log_normal)
    assert usual + 1 == statements_for(engine, slow_where_it_is_sampled)


@pytest.mark.parametrize("samples", [SAMPLED_FROM, 10 * SAMPLED_FROM, 10_000 * SAMPLED_FROM])
def test_bounds_of_a_percentile_lie_about_it_and_within_the_sample(samples: int) -> None:
    ranks = bounds(samples / sampled_one_in(samples))
    assert list(BOUNDS) == list(ranks)
    assert 0 < ranks["p50_from"] < PARTS / 2 < ranks["p50_to"] < ranks["p95_from"]
    assert ranks["p95_from"] < 0.95 * PARTS < ranks["p95_to"] < PARTS
    assert ranks["p50_to"] < ranks["p99_from"] < 0.99 * PARTS


@pytest.mark.parametrize(
    ("samples", "expected"), [(SAMPLED_FROM - 1, 1), (SAMPLED_FROM, 21), (1_200_000, 106)]
)
def test_sample_of_more_tasks_takes_a_smaller_part_of_them(samples: int, expected: int) -> None:
    assert expected == sampled_one_in(samples)


def test_names_of_the_source_s_own_parameters_are_left_to_it(engine: sa.Engine) -> None:
    add(engine, completed_tasks(log_normal, log_normal)[:3])
    named = ("start_naive", "start", "end", "code", "message", "seen", "stretch0_start", "p50_from")
    never = [Task.status != sa.bindparam(name, f"no {name}") for name in named]
    assert 3 == snapshot_of(engine, TaskSource(sa.select(Task).where(*never))).tasks.completed
