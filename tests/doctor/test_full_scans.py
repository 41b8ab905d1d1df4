"""The doctor finds missing indexes, and queries that read all of a large table."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import aliased

from flask_task_metrics import TaskSource, recommended_indexes
from tests.support.commands import indexes, run_alone, run_command
from tests.support.databases import on
from tests.support.disturbances import SHOWN_TASKS, show_tasks
from tests.support.doctor import (
    HEALTHY,
    LONGER_AGO,
    MINUTE,
    add_indexes,
    completed_ago,
    copy_of_tasks,
    findings,
    wrong,
)
from tests.support.events import all_tasks, store_events, tasks_since
from tests.support.host import SOURCE, Base, Task, add_tasks, current_utc, hosted
from tests.support.oracle import TaskRow


def add_many(engine: sa.Engine, ago: timedelta, count: int = 10_000) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(Task), [completed_ago(ago)] * count)


def test_missing_indexes_are_named_with_what_makes_them(app: Flask, engine: sa.Engine) -> None:
    names = ", ".join(str(index.name) for index in recommended_indexes(SOURCE))
    line = f"WRONG indexes: missing: {names}; run `flask task-metrics indexes` for the SQL\n"
    assert line in run_command(app, "doctor")[1]


def test_a_source_for_which_no_index_is_recommended_lacks_none(engine: sa.Engine) -> None:
    add_tasks(engine, completed_ago())
    older = copy_of_tasks("older_tasks")
    older.create(engine)
    tasks = sa.union_all(sa.select(Task.__table__), sa.select(older))
    with hosted(engine.url, TaskSource(tasks)) as app:
        status, output = run_command(app, "doctor")
        assert 0 == status
        assert "ok    source: derived, so each snapshot computes all tasks; " in output


def test_a_query_that_reads_all_of_a_large_table_is_found(app: Flask, engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO)
    named, advice = wrong(app)["plans"].split("; ")
    assert "create the missing indexes (`flask task-metrics indexes`), or run ANALYZE" == advice
    figures = r"counts, progress, latencies, (latency samples, )?errors and error samples"
    assert re.fullmatch(f"the table tasks is scanned in full for {figures}", named)


def test_a_source_without_indexes_is_told_which_columns_to_index(engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO)
    kinds = sa.Table("kinds", sa.MetaData(), sa.Column("kind", sa.String(32)))
    kinds.create(engine)
    tasks = Base.metadata.tables["tasks"]
    updated_at = sa.case((kinds.c.kind == "x", tasks.c.updated_at), else_=tasks.c.created_at)
    joined = sa.outerjoin(tasks, kinds, tasks.c.request_id == kinds.c.kind)
    source = TaskSource(
        sa.select(tasks, updated_at.label("changed_at")).select_from(joined),
        updated_at="changed_at",
    )
    with hosted(engine.url, source) as app:
        [error] = indexes(app).output.splitlines()
        advice = error.removeprefix("Error: ")
        assert "index by hand: kinds (kind), tasks (created_at), tasks (request_id)" in advice
        assert wrong(app)["plans"].endswith(f"; {advice}, or run ANALYZE")


def stored_job_log(engine: sa.Engine) -> None:
    """Store many jobs of yesterday as events, and have a server count them."""
    at = current_utc() - LONGER_AGO
    store_events(engine, [TaskRow(n, "completed", at, at, at, at) for n in range(10_000)])
    # SQLite reads an index only if its keys differ, once it knows that; these states don't.
    for analyze in {"postgresql": ["ANALYZE"], "mariadb": ["ANALYZE TABLE"]}.get(
        engine.dialect.name, []
    ):
        run_alone(engine, f"{analyze} jobs", f"{analyze} events")


@on("sqlite", "postgresql", "mariadb")
def test_a_function_spares_a_derived_source_its_full_scans(engine: sa.Engine) -> None:
    stored_job_log(engine)
    with hosted(engine.url, TaskSource(all_tasks())) as app:
        assert "; give TaskSource a function that takes a time" in wrong(app)["plans"]
    with hosted(engine.url, TaskSource(tasks_since)) as app:
        assert {} == wrong(app)
        assert "the function selects for the window" in findings(app, "ok")["source"]


def test_a_large_table_with_its_indexes_is_well(app: Flask, engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO)
    add_indexes(engine)
    assert (0, HEALTHY) == run_command(app, "doctor")
    no_backlog = TaskSource(Task, statuses={"queued": (), "processing": ()})
    with hosted(engine.url, no_backlog) as other_app:
        assert (0, HEALTHY) == run_command(other_app, "doctor")


def test_a_filter_that_reads_all_of_a_large_table_is_found(engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO)
    with hosted(engine.url, TaskSource(Task, dimensions={"request": "request_id"})) as app:
        assert "errors by request" in wrong(app)["plans"]
        add_indexes(engine)
        assert (0, HEALTHY) == run_command(app, "doctor")


@on("sqlite")
def test_a_filter_is_examined_even_if_the_table_holds_values_of_another_kind(
    engine: sa.Engine,
) -> None:
    add_tasks(engine, completed_ago(request_id="x"))
    mapped: Any = sa.type_coerce(Task.request_id, sa.Enum("a", "b"))
    with hosted(engine.url, TaskSource(Task, dimensions={"request": mapped})) as app:
        assert "plans" not in wrong(app)


def test_a_small_table_may_be_read_whole(app: Flask, engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO, 9_999)
    assert {} == wrong(app)


@pytest.mark.slow
@pytest.mark.parametrize(("older_tasks", "expected"), [(9_899, set()), (9_900, {"plans"})])
def test_a_table_of_ten_times_the_tasks_of_the_window_is_large(
    app: Flask, engine: sa.Engine, older_tasks: int, expected: set[str]
) -> None:
    add_many(engine, MINUTE, 1_100)
    add_many(engine, LONGER_AGO, older_tasks)
    assert expected == wrong(app).keys()


def test_a_table_whose_tasks_are_of_the_window_may_be_read_whole(
    app: Flask, engine: sa.Engine
) -> None:
    add_many(engine, MINUTE)
    assert {} == wrong(app)


def test_a_large_table_behind_a_view_is_found(engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO)
    show_tasks(engine.url.render_as_string(hide_password=False), "SELECT * FROM tasks")
    with hosted(engine.url, TaskSource(SHOWN_TASKS)) as app:
        assert "tasks" in wrong(app)["plans"]


def test_a_small_table_that_is_joined_to_a_large_one_may_be_read_whole(
    engine: sa.Engine,
) -> None:
    add_many(engine, LONGER_AGO)
    kinds = sa.Table("kinds", sa.MetaData(), sa.Column("kind", sa.String(32)))
    kinds.create(engine)
    tasks = Base.metadata.tables["tasks"]
    joined = sa.outerjoin(tasks, kinds, tasks.c.request_id == kinds.c.kind)
    with hosted(engine.url, TaskSource(sa.select(tasks, kinds).select_from(joined))) as app:
        add_indexes(engine)
        assert {} == wrong(app)


def test_a_large_table_under_another_name_is_found(engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO)
    with hosted(engine.url, TaskSource(aliased(Task, name="jobs"))) as app:
        assert "is scanned in full for" in wrong(app)["plans"]
