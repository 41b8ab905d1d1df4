"""The figures of so many tasks that a sample is looked at first are exact, whatever it shows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from flask_task_metrics import Latency, TaskSource, Window
from flask_task_metrics.dialects import has_percentile_disc
from flask_task_metrics.figures.latencies import Latencies, latencies_of
from flask_task_metrics.figures.packing import PACKED_UP_TO
from flask_task_metrics.figures.percentiles import (
    BASIS_POINTS,
    BOUNDS,
    SAMPLED_FROM,
    bounds,
    sampled_one_in,
)
from flask_task_metrics.figures.samples import SLICES
from flask_task_metrics.figures.selection import SelectedLatencies
from flask_task_metrics.figures.sorting import SIDE_BY_SIDE_FROM
from tests.support.databases import on
from tests.support.host import NOW, SOURCE, Task, snapshot_of
from tests.support.oracle import TaskRow, latency

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
    """Return whether a task is one of the first in its slice of the hour."""
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
    """Return tasks completed one after the other, evenly over the window."""
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


def measured(engine: sa.Engine, latencies: Latencies, completed: int = TASKS) -> Latency:
    """Read the latencies of a window with about so many tasks."""
    with engine.connect() as connection:
        return latencies.read(connection, WINDOW, completed)


@pytest.mark.slow
@pytest.mark.parametrize("wait", DURATIONS, ids=lambda durations: durations.__name__)
def test_latencies_of_many_tasks_are_those_of_the_oracle(
    engine: sa.Engine, wait: Callable[[int], float]
) -> None:
    tasks = completed_tasks(wait, log_normal)
    add(engine, tasks)
    assert latency(tasks, WINDOW) == snapshot_of(engine).latency
    if not has_percentile_disc(engine.dialect):
        assert latency(tasks, WINDOW) == measured(engine, SelectedLatencies.of(SOURCE))


@pytest.mark.slow
@on("sqlite", "mariadb")
@pytest.mark.parametrize("tasks", [PACKED_UP_TO, PACKED_UP_TO + 1])
def test_latencies_of_more_tasks_than_python_sorts_are_those_of_the_oracle(
    engine: sa.Engine, tasks: int
) -> None:
    rows = (completed_tasks(log_normal, none_alike) * (tasks // TASKS + 1))[:tasks]
    rows = [replace(row, id=number) for number, row in enumerate(rows, 1)]
    add(engine, rows)
    latencies = latencies_of(SOURCE, engine.dialect)
    assert latency(rows, WINDOW) == measured(engine, latencies, completed=PACKED_UP_TO)


@on("mariadb")
@pytest.mark.parametrize("longest", range(4, 20))
def test_text_that_the_server_cut_is_noticed(engine: sa.Engine, longest: int) -> None:
    tasks = completed_tasks(lambda number: number * 0.07, lambda _: 0.1)[:5]
    add(engine, tasks)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {longest}")
        latencies = latencies_of(SOURCE, engine.dialect)
        assert latency(tasks, WINDOW) == latencies.read(connection, WINDOW, len(tasks))
        connection.invalidate()


@on("postgresql", "postgresql-by-url")
@pytest.mark.parametrize("completed", [SIDE_BY_SIDE_FROM - 1, SIDE_BY_SIDE_FROM])
def test_latencies_sorted_in_one_pass_or_side_by_side_are_those_of_the_oracle(
    engine: sa.Engine, completed: int
) -> None:
    tasks = [
        *completed_tasks(log_normal, none_alike)[:500],
        *completed_tasks(log_normal, negative_where_it_is_sampled)[500:1_000],
        *(replace(task, processing_at=None) for task in completed_tasks(no_time, no_time)[-500:]),
    ]
    add(engine, tasks)
    latencies = latencies_of(SOURCE, engine.dialect)
    assert latency(tasks, WINDOW) == measured(engine, latencies, completed)


def statements_for(engine: sa.Engine, wait: Callable[[int], float]) -> int:
    """Count the statements that selecting from tasks with such waits takes."""
    with engine.begin() as connection:
        connection.execute(sa.delete(Task))
    add(engine, completed_tasks(wait, log_normal))
    executed: list[object] = []

    def record(*execution: object) -> None:
        executed.append(execution)

    sa.event.listen(engine, "before_cursor_execute", record)
    measured(engine, SelectedLatencies.of(SOURCE))
    sa.event.remove(engine, "before_cursor_execute", record)
    return len(executed)


@pytest.mark.slow
@on("sqlite", "mariadb", "mysql")
def test_a_sample_that_misleads_costs_a_second_count(engine: sa.Engine) -> None:
    usual = statements_for(engine, log_normal)
    assert usual + 1 == statements_for(engine, slow_where_it_is_sampled)


@pytest.mark.parametrize("samples", [SAMPLED_FROM, 10 * SAMPLED_FROM, 10_000 * SAMPLED_FROM])
def test_bounds_of_a_percentile_lie_about_it_and_within_the_sample(samples: int) -> None:
    ranks = bounds(samples / sampled_one_in(samples))
    assert list(BOUNDS) == list(ranks)
    assert 0 < ranks["p50_from"] < BASIS_POINTS / 2 < ranks["p50_to"] < ranks["p95_from"]
    assert ranks["p95_from"] < 0.95 * BASIS_POINTS < ranks["p95_to"] < BASIS_POINTS
    assert ranks["p50_to"] < ranks["p99_from"] < 0.99 * BASIS_POINTS


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
