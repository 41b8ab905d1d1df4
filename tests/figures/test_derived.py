"""A source that is derived from several rows, and one that is a function."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskSource
from flask_task_metrics.figures import Breakdown, Collector, Grouping, packing
from flask_task_metrics.figures.latencies import latencies_of
from flask_task_metrics.source import since_values
from tests.support.databases import on
from tests.support.events import all_tasks, event_table, store_events, tasks_since
from tests.support.host import snapshot_of
from tests.support.jobs import EXPECTED, TASKS, at
from tests.support.oracle import TaskRow, expected_comparison, expected_without
from tests.support.plans import plan_of
from tests.support.tasks import WINDOW

MANY = 1_000_000
"""From so many tasks on, the latencies are measured in another way."""

AWARE = sa.DateTime(timezone=True)


@pytest.mark.parametrize("source", [all_tasks(), tasks_since], ids=["select", "function"])
def test_figures_of_events_are_those_of_the_oracle(engine: sa.Engine, source: Any) -> None:
    store_events(engine, TASKS)
    assert EXPECTED == snapshot_of(engine, source)
    with engine.connect() as connection:
        for_many = latencies_of(TaskSource(source), engine.dialect)
        assert EXPECTED.latency == for_many.read(connection, WINDOW, completed=MANY)


@pytest.mark.parametrize("source", [all_tasks(), tasks_since], ids=["select", "function"])
def test_the_window_before_is_that_of_the_oracle(engine: sa.Engine, source: Any) -> None:
    store_events(engine, TASKS)
    expected = expected_comparison(TASKS, WINDOW)
    assert expected == snapshot_of(engine, source, compare="previous")


@pytest.mark.parametrize("minutes", [1, 60])
def test_a_function_holds_the_ends_that_its_state_needs(engine: sa.Engine, minutes: int) -> None:
    ended, queued = at(55), at(30)
    store_events(
        engine,
        [
            TaskRow(1, "completed", ended, ended, ended, ended),
            TaskRow(2, "queued", queued, None, None, queued),
            TaskRow(3, "processing", at(-60), at(-60), None, at(59)),
        ],
    )
    limits: dict[str, Any] = {"TASK_METRICS_STALLED_SECONDS": 299}
    for source, seen in (
        (all_tasks(), "nothing has ended for 5 min"),
        (tasks_since, "nothing has ended in the last 4 min"),
    ):
        assert "stuck" == snapshot_of(engine, source, minutes=minutes).state
        stalled = snapshot_of(engine, source, minutes=minutes, **limits)
        assert ("stalled", True) == (stalled.state, f"; {seen};" in str(stalled.reason))


def test_a_task_that_ended_before_the_window_is_the_last_if_none_ended_later(
    engine: sa.Engine,
) -> None:
    begun, ended = at(-120), at(-30)
    store_events(
        engine,
        [
            # This one was completed in the window, by a clock that others don't share.
            TaskRow(1, "completed", begun, begun, at(30), at(-90)),
            TaskRow(2, "failed", begun, begun, None, ended),
            TaskRow(3, "queued", at(10), None, None, at(10)),
        ],
    )
    recorded: tuple[dict[str, Any], ...] = ({}, {"error_message": None})
    for columns in recorded:
        snapshot = snapshot_of(engine, TaskSource(all_tasks(), **columns))
        assert "nothing has ended for 90 min" in str(snapshot.reason)


@on("sqlite", "postgresql")
def test_a_function_compares_its_time_with_timestamps_that_have_a_time_zone(
    engine: sa.Engine,
) -> None:
    events = event_table(AWARE)
    store_events(engine, TASKS, events)
    assert EXPECTED == snapshot_of(engine, partial(tasks_since, events=events))


@on("sqlite", "postgresql", "mariadb")
def test_a_function_gets_the_start_of_the_window(engine: sa.Engine) -> None:
    kept, left_out = at(0), at(-1 / 60_000)
    store_events(
        engine,
        [
            TaskRow(1, "completed", kept, kept, kept, kept),
            TaskRow(2, "completed", left_out, left_out, left_out, left_out),
            TaskRow(3, "queued", left_out, None, None, left_out),
        ],
    )
    with engine.connect() as connection:
        ids = sa.select(TaskSource(tasks_since).tasks.c.id)
        assert {1, 3} == set(connection.scalars(ids, since_values(WINDOW.start)))


@pytest.mark.parametrize("source", [all_tasks(), tasks_since], ids=["select", "function"])
def test_one_statement_has_all_figures(engine: sa.Engine, source: Any) -> None:
    store_events(engine, TASKS)
    with statements_on_events(engine) as statements:
        assert EXPECTED == snapshot_of(engine, source)
    assert 1 == len(statements)


@pytest.mark.parametrize(
    ("source", "minutes", "expected"),
    [(all_tasks(), 60, 2), (all_tasks(), 24 * 60, 1), (tasks_since, 1, 2), (tasks_since, 60, 1)],
    ids=["select, an hour", "select, a day", "function, a minute", "function, an hour"],
)
def test_a_second_statement_looks_for_ends_before_the_window_alone(
    engine: sa.Engine, source: Any, minutes: int, expected: int
) -> None:
    store_events(engine, [TaskRow(1, "queued", at(30), None, None, at(30))])
    with statements_on_events(engine) as statements:
        assert "stalled" == snapshot_of(engine, source, minutes=minutes).state
    assert expected == len(statements)


@contextmanager
def statements_on_events(engine: sa.Engine) -> Iterator[list[str]]:
    """Collect the statements that read the events while the block runs."""
    statements: list[str] = []

    def collect(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if re.search(r"JOIN events\b", statement):
            statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", collect)
    yield statements
    sa.event.remove(engine, "before_cursor_execute", collect)


def test_a_batch_of_too_many_durations_reads_them_apart(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "PACKED_UP_TO", 0)
    store_events(engine, TASKS)
    assert EXPECTED == snapshot_of(engine, all_tasks())


@pytest.mark.parametrize("unrecorded", ["created_at", "completed_at", "error_message"])
def test_a_source_of_events_may_not_record_all(engine: sa.Engine, unrecorded: Any) -> None:
    store_events(engine, TASKS)
    columns: dict[str, Any] = {unrecorded: None}
    source = TaskSource(all_tasks(), **columns)
    assert expected_without(TASKS, WINDOW, unrecorded) == snapshot_of(engine, source)


def test_without_failures_there_are_no_errors(engine: sa.Engine) -> None:
    store_events(engine, [task for task in TASKS if task.status != "failed"])
    assert () == snapshot_of(engine, all_tasks()).top_errors


def test_the_newest_of_a_code_may_have_any_of_its_messages(engine: sa.Engine) -> None:
    newest, older = at(50), at(40)
    failures = [
        TaskRow(1, "failed", older, older, None, older, "E_X: 1"),
        TaskRow(2, "failed", newest, newest, None, newest, "E_X: 2"),
        TaskRow(10, "failed", newest, newest, None, newest, "E_X: 3"),
        TaskRow(9, "failed", newest, newest, None, newest, "E_X: 4"),
        TaskRow(11, "failed", older, older, None, older, "E_X: 5"),
    ]
    store_events(engine, failures)
    [error] = snapshot_of(engine, all_tasks()).top_errors or ()
    assert ("E_X", 5, "10") == (error.code, error.count, error.sample.task_id)


@on("sqlite", "postgresql", "mysql")
def test_a_database_computes_the_tasks_once_for_a_statement(engine: sa.Engine) -> None:
    store_events(engine, TASKS)
    [query] = Collector.of(TaskSource(all_tasks()), engine.dialect).queries(WINDOW)
    with engine.connect() as connection:
        plan = str(plan_of(connection, query))
    reading = r"(?:'table': '|'Relation Name': '|SCAN |SEARCH )events\b"
    assert 1 == len(re.findall(reading, plan)), plan


@pytest.mark.parametrize("name", ["sqlite", "postgresql", "mysql", "mariadb"])
def test_each_statement_reads_a_derived_source_once(name: str) -> None:
    dialect = sa.make_url(f"{name}://").get_dialect()()
    source = TaskSource(all_tasks(), dimensions={"request": "request_id"})
    collector = Collector.of(source, dialect)
    assert collector.errors
    before = (*collector.previous.queries(WINDOW), collector.errors.query_before(WINDOW))
    breakdown = Breakdown.of(Grouping(source, source.dimensions["request"]), collector, dialect)
    for query in (*collector.queries(WINDOW), *before, *breakdown.queries(WINDOW)):
        sql = str(query.statement.compile(dialect=dialect))  # type: ignore[attr-defined]
        assert 1 == len(re.findall(r"JOIN events\b", sql)), query.figure
