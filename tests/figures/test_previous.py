"""The window before: figures of the same length, and what is new since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_task_metrics import (
    InvalidWindowError,
    MetricsError,
    PreviousFigures,
    TaskSource,
    UnknownComparisonError,
    Window,
)
from flask_task_metrics.figures.latencies import latencies_of
from flask_task_metrics.figures.predicates import is_before_end
from tests.support.databases import on
from tests.support.generated import GENERATED, mounted_on
from tests.support.host import SOURCE, Task, add_tasks, snapshot_of
from tests.support.oracle import TaskRow, expected_comparison
from tests.support.tasks import END, MESSAGES, MICROSECOND, START, WINDOW, ago, errors_of, failed

EARLIER = START - timedelta(hours=1)
EDGES = [
    edge + offset * MICROSECOND
    for edge in (EARLIER, START, END)
    for offset in (-1_000_001, -1_000_000, -1, 0, 1, 999_999, 1_000_000)
]
latencies_on = lru_cache(maxsize=1)(latencies_of)

MANY = 1_000_000
"""From so many tasks on, the latencies are measured in another way."""

moments = st.none() | st.sampled_from([*EDGES, ago(minutes=10), ago(minutes=70)])
rows = st.builds(
    TaskRow,
    id=st.just(0),
    status=st.sampled_from(("completed", "completed", "failed", "failed", "cancelled", "queued")),
    created_at=moments,
    processing_at=moments,
    completed_at=moments,
    updated_at=moments,
    error_message=st.sampled_from(MESSAGES[:6]),
)
task_lists = st.lists(rows, max_size=14).map(
    lambda drawn: [TaskRow(**asdict(row) | {"id": number}) for number, row in enumerate(drawn, 1)]
)

ON_EACH_EDGE = [
    TaskRow(number, status, at, at, at, at, MESSAGES[number % 3])
    for number, (at, status) in enumerate(
        ((at, status) for at in EDGES for status in ("completed", "failed", "cancelled")), 1
    )
]
"""Tasks that came and ended at each edge of both windows, and just before and after it."""


def check(engine: sa.Engine, tasks: Sequence[TaskRow]) -> None:
    """Compare a comparison's figures with the oracle's."""
    with engine.begin() as connection:
        connection.execute(sa.delete(Task))
        if tasks:
            connection.execute(sa.insert(Task), [asdict(task) for task in tasks])
    expected = expected_comparison(tasks, WINDOW, limit=100)
    assert expected == mounted_on(engine, SOURCE).snapshot(compare="previous")
    assert expected.previous is not None
    with engine.connect() as connection:
        for_many = latencies_on(SOURCE, engine.dialect, is_before_end)
        measured = for_many.read(connection, WINDOW.previous, completed=MANY)
    assert expected.previous.latency == measured


def test_a_task_on_an_edge_is_in_one_window_alone(engine: sa.Engine) -> None:
    check(engine, ON_EACH_EDGE)


@given(tasks=task_lists)
@settings(GENERATED, max_examples=40)
def test_figures_of_the_window_before_are_those_of_the_oracle(
    engine: sa.Engine, tasks: list[TaskRow]
) -> None:
    check(engine, tasks)


@on("sqlite")
@pytest.mark.parametrize("separator", [" ", "T"])
@pytest.mark.parametrize("zone", ["", "Z"])
def test_any_form_of_a_timestamp_is_in_one_window_alone(
    engine: sa.Engine, separator: str, zone: str
) -> None:
    with engine.begin() as connection:
        for moment in EDGES:
            text = sa.literal(f"{moment.isoformat(separator)}{zone}", sa.String())
            connection.execute(sa.insert(Task).values(status="cancelled", updated_at=text))
    tasks = [TaskRow(number, "cancelled", updated_at=at) for number, at in enumerate(EDGES, 1)]
    expected = expected_comparison(tasks, WINDOW)
    snapshot = snapshot_of(engine, compare="previous")
    assert expected.tasks == snapshot.tasks
    assert expected.previous == snapshot.previous


@on("sqlite")
def test_only_the_most_frequent_codes_are_compared(engine: sa.Engine) -> None:
    add_tasks(
        engine,
        failed("A_NEW: 1", updated_at=ago(minutes=30)),
        failed("A_NEW: 2", updated_at=ago(minutes=20)),
        failed("B_OLD: 1", updated_at=ago(minutes=10)),
        *[failed("B_OLD: 2", updated_at=ago(minutes=110))] * 3,
        *[failed("C_GONE", updated_at=ago(minutes=100))] * 3,
    )
    snapshot = snapshot_of(engine, compare="previous", TASK_METRICS_TOP_ERRORS=2)
    found = [
        (error.code, error.count, error.previous_count, error.first_seen_at)
        for error in errors_of(snapshot)
    ]
    new, old = (ago(minutes=minutes).replace(tzinfo=timezone.utc) for minutes in (30, 110))
    assert [("A_NEW", 2, 0, new), ("B_OLD", 1, 3, old)] == found
    assert snapshot.previous is not None
    assert 6 == snapshot.previous.failed


@on("sqlite")
def test_without_a_comparison_there_is_nothing_of_the_window_before(engine: sa.Engine) -> None:
    add_tasks(engine, failed("A_NEW"))
    snapshot = snapshot_of(engine)
    [error] = errors_of(snapshot)
    assert (None, None, None) == (snapshot.previous, error.previous_count, error.first_seen_at)


@on("sqlite")
def test_what_is_not_recorded_is_null_in_the_window_before_too(engine: sa.Engine) -> None:
    add_tasks(engine, {"status": "completed", "updated_at": ago(minutes=90)})
    nothing: dict[str, Any] = dict.fromkeys(("created_at", "completed_at", "error_message"))
    snapshot = snapshot_of(engine, TaskSource(Task, **nothing), compare="previous")
    assert isinstance(snapshot.previous, PreviousFigures)
    assert (None, 1) == (snapshot.previous.created, snapshot.previous.completed)
    assert {None} == {*vars(snapshot.previous.latency).values()}
    assert snapshot.top_errors is None


@on("sqlite")
@pytest.mark.parametrize("compare", ["last", "", True, ("previous",)])
def test_only_the_previous_window_can_be_compared_with(engine: sa.Engine, compare: Any) -> None:
    with pytest.raises(UnknownComparisonError, match="it must be 'previous' or None"):
        snapshot_of(engine, compare=compare)


@on("sqlite")
def test_the_window_before_may_not_begin_before_the_year_1(engine: sa.Engine) -> None:
    now = datetime(1, 1, 1, 1, 30, tzinfo=timezone.utc)
    assert 60 == snapshot_of(engine, now=now).window.minutes
    with pytest.raises(InvalidWindowError, match="the years 1 to 9999"):
        snapshot_of(engine, now=now, compare="previous")


@on("sqlite")
def test_an_unreadable_timestamp_of_the_window_before_is_named(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        text = sa.literal("2026-01-30 08:3o", sa.String())
        connection.execute(sa.insert(Task).values(status="cancelled", updated_at=text))
    with pytest.raises(MetricsError, match="updated_at is text that is not a UTC timestamp in 1"):
        snapshot_of(engine, compare="previous")


def test_the_window_before_ends_at_the_start() -> None:
    expected = Window(60, WINDOW.start - timedelta(hours=1), WINDOW.start)
    assert expected == WINDOW.previous
