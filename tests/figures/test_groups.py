"""Groups have the figures of their tasks, and all of them add up to the whole."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import InvalidFilterError, TaskSource
from flask_task_metrics.figures import group_latencies
from flask_task_metrics.figures.group_latencies import LatenciesByGroup
from flask_task_metrics.figures.grouping import Grouping, places_of
from flask_task_metrics.figures.latencies import latencies_of
from flask_task_metrics.figures.query import with_values
from tests.support.databases import on
from tests.support.dimensions import (
    Classified,
    Tier,
    classified_source,
    classified_table,
    expected_groups,
    reader_of,
    selected,
    store_classified,
    texts_of,
)
from tests.support.events import all_tasks, store_events, tasks_since
from tests.support.host import Timestamp
from tests.support.jobs import TASKS, job_table
from tests.support.oracle import (
    TaskRow,
    expected_comparison,
    expected_snapshot,
    expected_without,
    without,
)
from tests.support.tasks import END, MESSAGES, START, STATUSES, WINDOW, ago

HOUR = timedelta(hours=1)

MANY = 1_000_000
"""From so many tasks on, the latencies are measured in another way."""

NAMES = (None, "", "a", "A", "a ", "ä", "💥")
"""Texts that collations may take for equal."""


def tasks_of_engines(number_of_tasks: int, engines: int) -> Classified:
    """Return tasks of the last two hours; the first engines have more of them."""
    drawn = random.Random(20260130)
    names = [*NAMES, *(f"engine {number}" for number in range(engines))]
    tasks: Classified = []
    for number in range(1, number_of_tasks + 1):
        created = ago(minutes=drawn.uniform(0, 120)).replace(microsecond=0)
        done = created + timedelta(seconds=drawn.lognormvariate(2, 1))
        status = drawn.choice(STATUSES)
        message = drawn.choice(MESSAGES) if status == "failed" else None
        row = TaskRow(number, status, created, created, done, done, message, f"req_{number}")
        dimensions = {
            "engine": names[int(len(names) * drawn.random() ** 2)],
            "tier": drawn.choice((*Tier, None)),
            "urgent": drawn.choice((True, False, None)),
            "priority": number % 30 - 3,
        }
        tasks.append((row, {**dimensions, "big": number % 30 - 3 > 5}))
    return tasks


def stored(engine: sa.Engine, tasks: Classified) -> TaskSource:
    """Store tasks, and return their source with all dimensions."""
    table = classified_table()
    columns: Classified = [
        (task, {k: v for k, v in of.items() if k != "big"}) for task, of in tasks
    ]
    store_classified(engine, table, columns)
    return classified_source(table)


def test_each_group_has_the_figures_of_its_tasks(engine: sa.Engine) -> None:
    tasks = tasks_of_engines(1_000, 22)
    read = reader_of(engine, stored(engine, tasks))
    for dimension in ("engine", "tier", "urgent", "priority", "big"):
        assert expected_groups(tasks, dimension) == read(group_by=dimension), dimension


def test_a_filter_selects_the_tasks_that_are_grouped(engine: sa.Engine) -> None:
    tasks = tasks_of_engines(200, 5)
    read = reader_of(engine, stored(engine, tasks))
    some = [(task, of) for task, of in tasks if of["engine"] in (None, "", "A") and of["urgent"]]
    found = read(where={"engine": ["A", None], "urgent": True}, group_by="engine")
    whole = found.state, found.reason
    expected = expected_groups(some, "engine")
    assert expected == replace(found, state=expected.state, reason=expected.reason)
    ungrouped = read(where={"engine": ["A", None], "urgent": True})
    assert (ungrouped.state, ungrouped.reason) == whole


def drawn_task(drawn: random.Random, number: int) -> tuple[TaskRow, dict[str, Any]]:
    """Return a task with moments at and around the edges of the windows, and without some."""

    def moment() -> datetime | None:
        edge = drawn.choice((START - HOUR, START, END))
        near = timedelta(microseconds=drawn.choice((-1_001, -1, 0, 1, 999)))
        far = timedelta(seconds=drawn.randrange(-4_000, 4_000))
        return drawn.choice((None, edge + near, edge + far, START + far))

    times: dict[str, Any] = {
        f"{name}_at": moment() for name in ("created", "processing", "completed", "updated")
    }
    task = TaskRow(
        id=number,
        status=drawn.choice((*STATUSES, "failed", "completed", "draft", None)),
        error_message=drawn.choice((*MESSAGES[:4], None)),
        **times,
    )
    urgent = drawn.choice((True, False, None))
    return task, {"engine": drawn.choice(NAMES), "urgent": urgent, "due_at": moment()}


def test_groups_of_generated_tasks_are_those_of_the_oracle(engine: sa.Engine) -> None:
    table = job_table(engine=sa.String(8), urgent=sa.Boolean(), due_at=Timestamp)
    table.create(engine)
    names = ("engine", "urgent")
    read = reader_of(engine, TaskSource(table, dimensions=names))
    read_planned = reader_of(engine, TaskSource(table, dimensions=names, due_at="due_at"))
    for seed, dimension in enumerate(names * 4):
        drawn = random.Random(seed)
        drawn_tasks = [drawn_task(drawn, number) for number in range(1, 60)]
        with engine.begin() as connection:
            connection.execute(sa.delete(table))
            rows = [{**asdict(task), **of} for task, of in drawn_tasks]
            connection.execute(sa.insert(table), rows)
        tasks: Classified = [*drawn_tasks]
        due_at = {task.id: of["due_at"] for task, of in tasks}
        planned = partial(expected_snapshot, window=WINDOW, due_at=due_at)
        assert expected_groups(tasks, dimension, planned) == read_planned(group_by=dimension)
        compared = partial(expected_comparison, window=WINDOW)
        expected = expected_groups(tasks, dimension, compared)
        assert expected == read(group_by=dimension, compare="previous")


@on("sqlite")
def test_more_tasks_than_are_packed_are_counted(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = tasks_of_engines(100, 5)
    monkeypatch.setattr(group_latencies, "PACKED_UP_TO", 10)
    read = reader_of(engine, stored(engine, tasks))
    # Fewer of them were updated in the window than completed in it.
    with engine.begin() as connection:
        connection.execute(sa.update(classified_table()).values(updated_at=None))
    without_updates: Classified = [(without([task], "updated_at")[0], of) for task, of in tasks]
    assert expected_groups(without_updates, "engine") == read(group_by="engine")


def test_the_latencies_of_many_tasks_are_those_of_few(engine: sa.Engine) -> None:
    tasks = tasks_of_engines(200, 5)
    source = stored(engine, tasks)
    grouping = Grouping(source, source.dimensions["engine"])
    dialect = engine.dialect
    groups = LatenciesByGroup.of(grouping, dialect, latencies_of(source, dialect))
    with engine.connect() as connection:
        given_places = with_values(connection, places_of([None, "a"]))
        few, many = (groups.read(given_places, WINDOW, completed) for completed in (1, MANY))
    assert latency_of(tasks, *NAMES, *(f"engine {number}" for number in range(5))) == few[None]
    assert latency_of(tasks, None, "") == few[1]
    assert latency_of(tasks, "a") == few[2]
    assert few == many


def latency_of(tasks: Classified, *engines: str | None) -> Any:
    """Return the latencies of the tasks of some engines."""
    return expected_snapshot(selected(tasks, lambda of: of["engine"] in engines), WINDOW).latency


@on("mariadb")
def test_durations_of_a_group_that_the_server_cut_are_noticed(engine: sa.Engine) -> None:
    tasks = tasks_of_engines(200, 5)
    source = stored(engine, tasks)
    grouping = Grouping(source, source.dimensions["engine"])
    ungrouped = latencies_of(source, engine.dialect)
    groups = LatenciesByGroup.of(grouping, engine.dialect, ungrouped)
    with engine.connect() as connection:
        connection.exec_driver_sql("SET SESSION group_concat_max_len = 100")
        found = groups.read(with_values(connection, places_of(["a"])), WINDOW, 1)
        connection.invalidate()
    assert latency_of(tasks, "a") == found[1]


@pytest.mark.parametrize("source", [all_tasks(), tasks_since], ids=["select", "function"])
def test_groups_of_a_derived_source_are_those_of_the_oracle(engine: sa.Engine, source: Any) -> None:
    store_events(engine, TASKS)
    tasks: Classified = [(task, {"request": task.request_id}) for task in TASKS]
    read = reader_of(engine, TaskSource(source, dimensions={"request": "request_id"}))
    assert expected_groups(tasks, "request") == read(group_by="request")


@on("sqlite", "postgresql", "mariadb", "mysql")
@pytest.mark.parametrize(
    "roles", [("processing_at",), ("created_at", "processing_at", "completed_at", "error_message")]
)
def test_groups_of_a_source_lack_what_it_does_not_record(
    engine: sa.Engine, roles: tuple[str, ...]
) -> None:
    tasks = tasks_of_engines(100, 5)
    unrecorded: Mapping[str, Any] = dict.fromkeys(roles)
    source = TaskSource(stored_table(engine, tasks), dimensions=("urgent",), **unrecorded)
    recorded = [(without([task], *roles)[0], of) for task, of in tasks]
    expected = partial(_without, roles=roles)
    assert expected_groups(recorded, "urgent", expected) == reader_of(engine, source)(
        group_by="urgent"
    )


def _without(tasks: Any, roles: tuple[str, ...]) -> Any:
    return expected_without(tasks, WINDOW, *roles)


def stored_table(engine: sa.Engine, tasks: Classified) -> sa.Table:
    """Store tasks in a table, and return it."""
    stored(engine, tasks)
    return classified_table()


@on("sqlite")
def test_a_table_without_tasks_has_no_groups(engine: sa.Engine) -> None:
    table = classified_table()
    table.create(engine)
    found = reader_of(engine, classified_source(table))(group_by="engine")
    assert ((), None, 0) == (found.groups, found.other_groups, found.group_count)


@on("sqlite")
def test_groups_of_a_host_without_some_statuses(engine: sa.Engine) -> None:
    tasks = tasks_of_engines(100, 5)
    table = stored_table(engine, tasks)
    lacks: Any = {"cancelled": (), "queued": (), "ignored": ("cancelled", "queued")}
    source = TaskSource(table, dimensions=("urgent",), statuses=lacks)
    found = reader_of(engine, source)(group_by="urgent")
    rest = [
        (replace(task, status="draft") if task.status in lacks["ignored"] else task, of)
        for task, of in tasks
    ]
    expected = replace(expected_groups(rest, "urgent"), state=None, reason=None)
    assert expected == found


@on("sqlite")
def test_an_unknown_dimension_has_no_groups(engine: sa.Engine) -> None:
    read = reader_of(engine, TaskSource(classified_table(), dimensions=("engine",)))
    with pytest.raises(InvalidFilterError, match="the dimension is 'engin'; it must be one of"):
        read(group_by="engin")


def test_a_list_is_no_dimension(engine: sa.Engine) -> None:
    read = reader_of(engine, TaskSource(classified_table(), dimensions=("engine",)))
    with pytest.raises(InvalidFilterError, match="the dimension is \\['engine'\\]"):
        read(group_by=["engine"])


def test_a_group_of_a_sum_is_an_integer(engine: sa.Engine) -> None:
    table = job_table(tenant=sa.BigInteger())
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [asdict(task) | {"tenant": 7} for task in TASKS])
    columns = [column for column in table.c if column.name != "tenant"]
    summed = sa.select(*columns, sa.func.sum(table.c.tenant).label("tenants")).group_by(*columns)
    source = TaskSource(summed.subquery(), dimensions=("tenants",))
    [group] = reader_of(engine, source)(group_by="tenants").groups or ()
    assert (7, int) == (group.value, type(group.value))


@on("sqlite", "mariadb", "mysql")
def test_a_boolean_that_is_stored_as_another_number_is_among_the_others(engine: sa.Engine) -> None:
    table = job_table(urgent=sa.Boolean())
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [asdict(task) | {"urgent": True} for task in TASKS])
        two = sa.update(table).where(table.c.id == 1).values(urgent=sa.literal_column("2"))
        connection.execute(two)
    found = reader_of(engine, TaskSource(table, dimensions=("urgent",)))(group_by="urgent")
    assert found.groups is not None
    assert found.other_groups is not None
    assert [True] == [group.value for group in found.groups]
    assert 1 == found.other_groups.tasks.created


def test_tasks_that_have_latencies_alone_are_among_the_others(engine: sa.Engine) -> None:
    long_ago, now = ago(hours=2), ago(minutes=5)
    late = TaskRow(1, "completed", long_ago, long_ago, now, long_ago)
    tasks: Classified = [
        (late, {"engine": "late"}),
        (replace(late, id=2), {"engine": "busy"}),
        (TaskRow(3, "queued", long_ago, updated_at=long_ago), {"engine": "busy"}),
    ]
    found = reader_of(engine, stored(engine, tasks))(group_by="engine")
    assert expected_groups(tasks, "engine") == found
    [busy], others = found.groups or (), found.other_groups
    assert busy.latency.end_to_end_ms == others.latency.end_to_end_ms  # type: ignore[union-attr]
    assert 1 == found.group_count


def test_long_texts_are_told_apart(engine: sa.Engine) -> None:
    table = job_table(engine=sa.Text())
    table.create(engine)
    long = "💥" * 3_000
    texts = [f"{long}a", f"{long}b", f"{long}b", "x" * 10_001, "x" * 10_001, None]
    rows = [{**asdict(task), **of} for task, of in texts_of(texts)]
    with engine.begin() as connection:
        connection.execute(sa.insert(table), rows)
    found = reader_of(engine, TaskSource(table, dimensions=("engine",)))(group_by="engine")
    assert found.groups is not None
    assert found.other_groups is not None
    assert [f"{long}b", f"{long}a", None] == [group.value for group in found.groups]
    assert (2, 4) == (found.other_groups.tasks.failed, found.group_count)


def test_the_number_of_statements_does_not_grow_with_the_groups(engine: sa.Engine) -> None:
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    counts = []
    for engines in (1, 40):
        source = stored(engine, tasks_of_engines(200, engines))
        # A deadline is set again from time to time.
        read = reader_of(engine, source, TASK_METRICS_TIMEOUT_MS=0)
        # The first connection has statements of its own.
        assert read()
        statements.clear()
        assert read(group_by="engine").groups
        counts.append(len(statements))
    assert counts[0] == counts[1]
