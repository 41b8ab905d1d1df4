"""The points of a series are those of the oracle, and add up to the snapshot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_task_metrics import InvalidWindowError, TaskSource, Window, from_epoch
from flask_task_metrics.figures.series import packing
from flask_task_metrics.figures.series.histogram import CountedSteps
from flask_task_metrics.figures.series.steps import Steps
from tests.support.databases import on
from tests.support.generated import GENERATED, lists_of_tasks, moments_near, mounted_on
from tests.support.host import NOW, SOURCE, Task, Timestamp, add_tasks
from tests.support.jobs import TASKS, job_table, store
from tests.support.oracle import TaskRow, without
from tests.support.series import expected_series, series_of
from tests.support.tasks import (
    COMPLETED,
    END,
    MICROSECOND,
    OTHER_STATUSES,
    STATUSES,
    WINDOW,
    ago,
)

EPOCH = datetime.fromtimestamp(0, timezone.utc).replace(tzinfo=None)

OFFSETS = (-1_000_001, -1_000_000, -1, 0, 1, 999_999, 1_000_000, 59_999_999, 60_000_000)

moments = moments_near(OFFSETS, -(10**10))
task_lists = lists_of_tasks(
    moments, st.sampled_from((*("completed",) * 4, *STATUSES, *OTHER_STATUSES))
)
PLANNED = job_table(due_at=Timestamp)
PLANNED_SOURCE = TaskSource(PLANNED, due_at="due_at")

dues = st.lists(st.none() | moments, min_size=14, max_size=14)


@given(tasks=task_lists, due=dues, points=st.sampled_from([1, 7, 60, 500]), late=st.integers(0, 90))
@settings(GENERATED, max_examples=40)
def test_points_of_generated_tasks_are_those_of_the_oracle(
    engine: sa.Engine,
    tasks: list[TaskRow],
    due: list[datetime | None],
    points: int,
    late: int,
) -> None:
    PLANNED.create(engine, checkfirst=True)
    due_at = {task.id: moment for task, moment in zip(tasks, due, strict=False)}
    with engine.begin() as connection:
        connection.execute(sa.delete(PLANNED))
        if tasks:
            connection.execute(
                sa.insert(PLANNED), [asdict(task) | {"due_at": due_at[task.id]} for task in tasks]
            )
    now, mounted = NOW + timedelta(seconds=late), mounted_on(engine, PLANNED_SOURCE)
    series = mounted.series(points, now)
    assert expected_series(tasks, series.window, points, due_at=due_at) == series
    snapshot = mounted.snapshot(now)
    for figure in ("created", "completed", "failed", "cancelled"):
        in_all = sum(getattr(point, figure) for point in series.points)
        assert getattr(snapshot.tasks, figure) == in_all


@pytest.mark.parametrize(
    ("minutes", "points", "seconds"),
    [
        (60, 60, 60),
        (60, 59, 120),
        (60, 500, 10),
        (1, 500, 1),
        (1, 60, 1),
        (1, 1, 60),
        (1440, 60, 1800),
        (1440, 288, 300),
        (1440, 1, 86_400),
        (1441, 1, 2 * 86_400),
        (525_600, 60, 7 * 86_400),
    ],
)
def test_the_step_is_the_shortest_that_is_long_enough(
    minutes: int, points: int, seconds: int
) -> None:
    steps = Steps.of(Window.ending(NOW, minutes), points)
    assert seconds == steps.seconds
    assert len(steps) <= points + 1


@pytest.mark.parametrize(
    ("now", "points", "first", "partial"),
    [
        (NOW, 60, NOW - timedelta(minutes=60), []),
        (NOW + timedelta(seconds=1), 60, NOW - timedelta(minutes=60), [0, 60]),
        (NOW + timedelta(seconds=59), 60, NOW - timedelta(minutes=60), [0, 60]),
        (NOW + timedelta(minutes=20), 1, NOW - timedelta(minutes=60), [0, 1]),
        (NOW + timedelta(minutes=1), 60, NOW - timedelta(minutes=59), []),
        (datetime(1970, 1, 1, tzinfo=timezone.utc) - timedelta(seconds=30), 60, None, [0, 60]),
    ],
)
def test_edges_stay_and_points_that_the_window_cuts_are_partial(
    now: datetime, points: int, first: datetime | None, partial: list[int]
) -> None:
    window = Window.ending(now, 60)
    steps = Steps.of(window, points)
    edges = list(steps)
    assert first in (None, edges[0])
    assert {0} == {edge.timestamp() % steps.seconds for edge in edges}
    assert edges[0] <= window.start < edges[0] + timedelta(seconds=steps.seconds)
    assert edges[-1] < window.end
    assert partial == [number for number, at in enumerate(edges) if steps.is_partial(at)]


def test_a_first_step_before_the_year_1_is_refused() -> None:
    window = Window.ending(datetime(1, 1, 4, tzinfo=timezone.utc), 3 * 1440)
    with pytest.raises(InvalidWindowError, match="its first step must begin in the years 1 to"):
        Steps.of(window, 1)


@pytest.mark.parametrize(
    "end",
    [END, EPOCH - timedelta(minutes=29, seconds=30), EPOCH + timedelta(days=20_000, seconds=1)],
)
@pytest.mark.parametrize("points", [1, 60, 500])
def test_microseconds_at_the_edges_are_on_their_side(
    engine: sa.Engine, end: datetime, points: int
) -> None:
    edges = [end - timedelta(minutes=minutes) for minutes in (0, 1, 30, 59, 60)]
    edges += [edge - timedelta(seconds=edge.second) for edge in edges]
    moments = [edge + offset * MICROSECOND for edge in edges for offset in (-1, 0, 1)]
    moments += [END.replace(year=9999), end + timedelta(minutes=1)]
    tasks = [
        TaskRow(number, STATUSES[number % 2 * 4], at, at, at, at)
        for number, at in enumerate(moments, 1)
    ]
    add_tasks(engine, *map(asdict, tasks))
    window = Window.ending(end.replace(tzinfo=timezone.utc), 60)
    assert expected_series(tasks, window, points) == series_of(
        engine, points=points, now=window.end
    )


@pytest.mark.parametrize(
    ("stored", "mapped"),
    [
        (sa.DateTime(timezone=True), lambda column: column),
        (sa.DateTime(timezone=True), lambda column: sa.literal_column(column, sa.DateTime())),
        (sa.BigInteger(), lambda column: from_epoch(column, "us")),
    ],
    ids=["aware", "aware, mapped as naive", "epoch"],
)
@on("sqlite", "postgresql", "mysql")
def test_timestamps_of_other_types_lie_in_the_same_steps(
    engine: sa.Engine, stored: Any, mapped: Callable[[str], Any]
) -> None:
    is_number = isinstance(stored, sa.Integer)
    roles = ("created_at", "processing_at", "completed_at", "updated_at")

    def convert(at: datetime) -> Any:
        return (at - EPOCH) // MICROSECOND if is_number else at.replace(tzinfo=timezone.utc)

    table = job_table(**dict.fromkeys(roles, stored))
    store(engine, table, TASKS, **dict.fromkeys(roles, convert))
    source = TaskSource(table, **{role: mapped(role) for role in roles})
    assert expected_series(TASKS, WINDOW, 60) == series_of(engine, source)


@on("sqlite")
def test_other_forms_of_text_lie_in_the_same_steps(engine: sa.Engine) -> None:
    table = job_table(**dict.fromkeys(("created_at", "updated_at"), sa.Text()))
    store(
        engine,
        table,
        created_at=lambda at: at.isoformat("T") + "Z",
        updated_at=lambda at: at.isoformat(" ", "milliseconds") + "+00:00",
    )
    mapped = sa.type_coerce(table.c.created_at, sa.DateTime())
    source = TaskSource(
        table, created_at=mapped, updated_at=sa.type_coerce(table.c.updated_at, sa.DateTime())
    )
    for points in (1, 60, 500):
        assert expected_series(TASKS, WINDOW, points) == series_of(engine, source, points=points)


@on("postgresql")
def test_what_is_dated_to_infinity_belongs_to_the_last_point(engine: sa.Engine) -> None:
    add_tasks(engine, {"status": "failed"})
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE tasks SET created_at = 'infinity', updated_at = created_at"
        )
        connection.exec_driver_sql("UPDATE tasks SET updated_at = created_at")
    last = series_of(engine).points[-1]
    assert (1, 1) == (last.created, last.failed)


@pytest.mark.parametrize(
    "roles",
    [
        ("created_at",),
        ("processing_at",),
        ("completed_at",),
        ("created_at", "processing_at"),
        ("created_at", "processing_at", "completed_at"),
    ],
    ids=str,
)
def test_what_is_not_recorded_is_none_in_every_point(
    engine: sa.Engine, roles: Sequence[str]
) -> None:
    table = job_table()
    store(engine, table)
    options: dict[str, Any] = dict.fromkeys(roles)
    blank = expected_series(without(TASKS, *roles), WINDOW, 60)
    none = {
        "created": "created_at" in roles,
        "started": "processing_at" in roles,
        "time_to_processing_ms": bool(roles),
        "time_to_complete_ms": {"processing_at", "completed_at"} & {*roles},
        "end_to_end_ms": {"created_at", "completed_at"} & {*roles},
    }
    expected = [
        vars(point) | {figure: None for figure, is_none in none.items() if is_none}
        for point in blank.points
    ]
    series = series_of(engine, TaskSource(table, **options))
    assert expected == [vars(point) for point in series.points]


def busy_tasks() -> list[TaskRow]:
    """Return some hundreds of tasks, completed in two steps."""
    return [
        TaskRow(
            number,
            "completed",
            ago(minutes=40, seconds=number % 17),
            ago(minutes=30, seconds=number % 13 - 6),
            ago(minutes=20 + number % 2, seconds=30 - number % 11),
            ago(minutes=50),
        )
        for number in range(1, 301)
    ]


@on("sqlite", "mariadb", "mysql")
def test_durations_that_the_database_counts_have_the_same_percentiles(engine: sa.Engine) -> None:
    tasks = busy_tasks()
    add_tasks(engine, *map(asdict, tasks))
    steps = Steps.of(WINDOW, 60)
    with engine.connect() as connection:
        packed = packing.PackedSteps.of(SOURCE)
        counted = packed.read(connection, steps, most=1_000_000)
        assert packed.read(connection, steps, most=300) == counted
    assert 6 == len(counted.latencies)


@on("sqlite")
@pytest.mark.parametrize("limit", ["PACKED_UP_TO", "PACKED_IN_ALL"])
def test_steps_with_too_many_tasks_are_counted_by_the_database(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    tasks = busy_tasks()
    add_tasks(engine, *map(asdict, tasks))
    monkeypatch.setattr(packing, limit, 149)
    with engine.connect() as connection:
        completed = packing.PackedSteps.of(SOURCE).read(connection, Steps.of(WINDOW, 60), 0)
        counted = CountedSteps.of(SOURCE).read(connection, Steps.of(WINDOW, 60), 0)
    assert counted == completed


@on("mariadb")
def test_a_text_that_the_server_cuts_is_not_taken_for_whole(engine: sa.Engine) -> None:
    add_tasks(engine, *map(asdict, busy_tasks()))
    with engine.connect() as connection:
        connection.exec_driver_sql("SET SESSION group_concat_max_len = 50")
        cut = packing.PackedSteps.of(SOURCE).read(connection, Steps.of(WINDOW, 60), 0)
        counted = CountedSteps.of(SOURCE).read(connection, Steps.of(WINDOW, 60), 0)
    assert counted == cut


@on("sqlite")
def test_the_number_of_statements_does_not_grow_with_the_points(engine: sa.Engine) -> None:
    add_tasks(engine, COMPLETED)
    executed: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *call: executed.append(call[2]))
    numbers = []
    for points in (1, 500):
        executed.clear()
        series_of(engine, Task, points=points)
        numbers.append(len(executed))
    assert numbers[0] == numbers[1]
