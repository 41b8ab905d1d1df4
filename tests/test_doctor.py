"""`flask task-metrics doctor` finds, on every database, what would make figures slow or wrong."""

from __future__ import annotations

import enum
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import aliased

from flask_task_metrics import TaskSource, recommended_indexes

from .host import SOURCE, Base, Task, add_tasks, create_host, current_utc, dispose_engines
from .test_failures import SHOWN_TASKS, locked_tasks, show_tasks

HEALTHY = """\
ok    secret: long enough
ok    database: reached, with all mapped columns
ok    timeout: enforced by the database
ok    clocks: the database's and the application's agree
ok    indexes: none that can be recommended is missing
ok    plans: no query reads more than it must
ok    statuses: all of the last 24 hours are mapped
ok    timestamps: none of the last 24 hours is missing
ok    durations: none of the last 24 hours is negative
ok    future: no timestamp is ahead of the database's clock
ok    utc: every timestamp of the newest tasks can be read
ok    fractions: kept by every timestamp
"""

MINUTE = timedelta(minutes=1)
YESTERDAY = timedelta(hours=24) - MINUTE
LONGER_AGO = timedelta(hours=24) + MINUTE

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def run(app: Flask, *args: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["task-metrics", *args])
    return result.exit_code, result.output


def wrong(app: Flask) -> dict[str, str]:
    """What the doctor finds wrong, by the names of its checks, but for the indexes, which most of
    these tables do without.
    """
    _, output = run(app, "doctor")
    findings = [line[6:].split(": ", 1) for line in output.splitlines() if line[:6] == "WRONG "]
    return {check: detail for check, detail in findings if check != "indexes"}


@contextmanager
def host(engine: sa.Engine, source: Any = SOURCE, **config: Any) -> Iterator[Flask]:
    """An app like the fixture's, with another source or other settings."""
    app = create_host(engine.url, source, **config)
    try:
        yield app
    finally:
        dispose_engines(app)


def engine_of(app: Flask) -> sa.Engine:
    with app.app_context():
        engine: sa.Engine = app.extensions["sqlalchemy"].engine
    return engine


def completed(ago: timedelta = YESTERDAY, **differs: Any) -> dict[str, Any]:
    """A task completed some time ago, and what differs from a sound one."""
    at = current_utc() - ago
    sound = {"created_at": at, "processing_at": at, "completed_at": at, "updated_at": at}
    return {"status": "completed"} | sound | differs


def test_a_healthy_database_is_told_so_line_by_line(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, completed(), {"status": "queued", "created_at": current_utc()})
    run(app, "indexes", "--apply")
    assert (0, HEALTHY) == run(app, "doctor")


def test_what_is_wrong_is_told_among_what_is_not(app: Flask) -> None:
    status, output = run(app, "doctor")
    lines = zip(HEALTHY.splitlines(), output.splitlines(), strict=True)
    assert 1 == status
    assert ["indexes"] == [
        healthy[6:].split(":")[0] for healthy, found in lines if healthy != found
    ]


# The secret.


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        (None, "is not set; every request to /api/admin/metrics-snapshot is answered with 401"),
        ("x" * 15, "has a secret shorter than 16 characters; it can be guessed"),
    ],
)
def test_a_missing_or_short_secret_is_found(
    engine: sa.Engine, secret: str | None, problem: str
) -> None:
    with host(engine, TASK_METRICS_ADMIN_SECRET=secret) as app:
        told = f"TASK_METRICS_ADMIN_SECRET {problem}; set the output of `openssl rand -hex 24`"
        assert {"secret": told} == wrong(app)


# The database.


def unreadable(app: Flask) -> tuple[int, list[str], str]:
    """The exit status, the checks that were made, and what is wrong with the database."""
    status, output = run(app, "doctor")
    checks = [line[6:].split(":")[0] for line in output.splitlines()]
    return status, checks, wrong(app)["database"]


def test_a_missing_table_is_found_and_nothing_further_asked(app: Flask, engine: sa.Engine) -> None:
    Base.metadata.drop_all(engine)
    status, checks, problem = unreadable(app)
    assert (1, ["secret", "database"]) == (status, checks)
    assert problem.startswith("not known, for the tasks can't be read: ")
    assert problem.endswith("; check the URL, the mapping and the user's rights")
    assert "tasks" in problem.removeprefix("not known, for the tasks can't be read: ")


def test_a_missing_column_is_named(app: Flask, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE tasks DROP COLUMN request_id")
    assert "request_id" in wrong(app)["database"]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/tasks.db",
        "postgresql+psycopg://nobody@127.0.0.1:1/tasks",
        "mariadb+pymysql://nobody@127.0.0.1:1/tasks",
    ],
)
def test_a_database_that_cannot_be_reached_is_one_line(url: str) -> None:
    app = create_host(url)
    status, output = run(app, "doctor")
    assert (1, 2) == (status, len(output.splitlines()))
    assert wrong(app)["database"].startswith("not known, for the tasks can't be read: ")
    dispose_engines(app)


def test_a_connection_that_the_host_uses_is_left_to_it() -> None:
    app = create_host("sqlite://")
    with app.app_context():
        Base.metadata.create_all(engine_of(app))
        app.extensions["sqlalchemy"].session.add(Task(**completed()))
        app.extensions["sqlalchemy"].session.flush()
        assert "no connection to it came free" in wrong(app)["database"]
    dispose_engines(app)


def test_what_takes_longer_than_the_statement_timeout_is_not_ok(engine: sa.Engine) -> None:
    with (
        host(engine, TASK_METRICS_STATEMENT_TIMEOUT_MS=50) as app,
        locked_tasks(engine.url.render_as_string(hide_password=False)),
    ):
        problem = (
            "not known, for it took longer than 50 ms; make the recommended indexes, "
            "or set TASK_METRICS_STATEMENT_TIMEOUT_MS higher"
        )
        assert {"database": problem} == wrong(app)


# The timeout.


def test_a_timeout_that_is_turned_off_is_found(engine: sa.Engine) -> None:
    with host(engine, TASK_METRICS_STATEMENT_TIMEOUT_MS=0) as app:
        problem = (
            "TASK_METRICS_STATEMENT_TIMEOUT_MS is 0, so that a snapshot may load the database for "
            "any time; leave it at 5000, or set another"
        )
        assert {"timeout": problem} == wrong(app)


RESET_TIMEOUT = {
    "postgresql": "SET LOCAL statement_timeout = 0",
    "mariadb": "SET SESSION max_statement_time = 0",
}


def test_a_timeout_that_does_not_hold_is_found(app: Flask) -> None:
    engine = engine_of(app)

    @event.listens_for(engine, "before_cursor_execute")
    def reset(connection: sa.Connection, cursor: Any, *_: Any) -> None:
        if engine.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(None, 0)
        else:
            cursor.execute(RESET_TIMEOUT[engine.dialect.name])

    problem = (
        "a statement of a second went past a timeout of 100 ms; look for what resets it on the "
        "way, such as an event listener of the engine or a proxy"
    )
    assert {"timeout": problem} == wrong(app)


# The clocks.


def shift_clock(engine: sa.Engine, seconds: int) -> None:
    """Have a database's clock be ahead by seconds, or behind where they are negative."""
    connect = SHIFTED_CLOCK[engine.dialect.name]
    event.listen(engine, "connect", lambda driver, _record: connect(driver, seconds))
    engine.dispose()


def shift_clock_of_sqlite(driver: Any, seconds: int) -> None:
    def strftime(form: str, moment: str) -> str:
        shift = f"{seconds if moment == 'now' else 0} seconds"
        with closing(sqlite3.connect(":memory:")) as plain:
            [[shown]] = plain.execute("SELECT strftime(?, ?, ?)", (form, moment, shift))
        return str(shown)

    driver.create_function("strftime", 2, strftime)


def shift_clock_of_postgresql(driver: Any, seconds: int) -> None:
    driver.execute("CREATE SCHEMA IF NOT EXISTS elsewhere")
    driver.execute(f"""CREATE OR REPLACE FUNCTION elsewhere.clock_timestamp() RETURNS timestamptz
        AS $$ SELECT pg_catalog.clock_timestamp() + interval '{seconds} seconds' $$ LANGUAGE sql""")
    # What comes before the system's own schema hides it.
    driver.execute("SET search_path = elsewhere, pg_catalog, public")
    driver.commit()


def shift_clock_of_mariadb(driver: Any, seconds: int) -> None:
    driver.cursor().execute(f"SET timestamp = UNIX_TIMESTAMP(NOW(6)) + {seconds}")


SHIFTED_CLOCK: dict[str, Callable[[Any, int], None]] = {
    "sqlite": shift_clock_of_sqlite,
    "postgresql": shift_clock_of_postgresql,
    "mariadb": shift_clock_of_mariadb,
}


@pytest.mark.parametrize(("seconds", "direction"), [(3600, "ahead of"), (-3600, "behind")])
def test_clocks_that_are_apart_are_found(app: Flask, seconds: int, direction: str) -> None:
    shift_clock(engine_of(app), seconds)
    form = rf"the database's is (.*) s {direction} the application's; set both by NTP"
    found = re.fullmatch(form, wrong(app)["clocks"])
    assert found
    # MariaDB's clock stands still where it was set.
    assert 3600 == round(float(found[1]), -2)


# Indexes and plans.


def add_many(engine: sa.Engine, ago: timedelta, count: int = 10_000) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(Task), [completed(ago)] * count)


def copy_of_tasks(name: str) -> sa.Table:
    return Base.metadata.tables["tasks"].to_metadata(sa.MetaData(), name=name)


def test_missing_indexes_are_named_with_what_makes_them(app: Flask, engine: sa.Engine) -> None:
    names = ", ".join(str(index.name) for index in recommended_indexes(SOURCE))
    line = f"WRONG indexes: missing: {names}; run `flask task-metrics indexes --apply`\n"
    assert line in run(app, "doctor")[1]


def test_a_source_for_which_no_index_is_recommended_lacks_none(engine: sa.Engine) -> None:
    add_tasks(engine, completed())
    older = copy_of_tasks("older_tasks")
    older.create(engine)
    tasks = sa.union_all(sa.select(Task.__table__), sa.select(older))
    with host(engine, TaskSource(tasks)) as app:
        assert (0, HEALTHY) == run(app, "doctor")


def test_a_query_that_reads_all_of_a_large_table_is_found(app: Flask, engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO)
    named, advice = wrong(app)["plans"].split("; ")
    assert "make the missing indexes, or ANALYZE the table" == advice
    assert re.fullmatch(r"read whole: tasks by \w+( and \w+)*", named)


def test_a_large_table_with_its_indexes_is_well(app: Flask, engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO)
    run(app, "indexes", "--apply")
    assert (0, HEALTHY) == run(app, "doctor")


def test_a_small_table_may_be_read_whole(app: Flask, engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO, 100)
    assert {} == wrong(app)


def test_a_table_whose_tasks_are_of_the_window_may_be_read_whole(
    app: Flask, engine: sa.Engine
) -> None:
    add_many(engine, MINUTE)
    assert {} == wrong(app)


def test_a_large_table_behind_a_view_is_found(engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO)
    show_tasks(engine.url.render_as_string(hide_password=False), "SELECT * FROM tasks")
    with host(engine, TaskSource(SHOWN_TASKS)) as app:
        assert "tasks" in wrong(app)["plans"]


def test_a_small_table_that_is_joined_to_a_large_one_may_be_read_whole(
    engine: sa.Engine,
) -> None:
    add_many(engine, LONGER_AGO)
    kinds = sa.Table("kinds", sa.MetaData(), sa.Column("kind", sa.String(32)))
    kinds.create(engine)
    tasks = Base.metadata.tables["tasks"]
    joined = sa.outerjoin(tasks, kinds, tasks.c.request_id == kinds.c.kind)
    with host(engine, TaskSource(sa.select(tasks, kinds).select_from(joined))) as app:
        run(app, "indexes", "--apply")
        assert {} == wrong(app)


def test_a_large_table_under_another_name_is_found(engine: sa.Engine) -> None:
    add_many(engine, LONGER_AGO)
    with host(engine, TaskSource(aliased(Task, name="jobs"))) as app:
        assert "read whole" in wrong(app)["plans"]


# Statuses.


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
    named = '"in review" in 3, NULL in 2, QUEUED in 1, "failed " in 1'
    problem = f"not mapped: {named}; map them in TaskSource(statuses=…)"
    assert {"statuses": problem} == wrong(app)


def test_a_status_stays_in_its_line_whatever_it_holds(app: Flask, engine: sa.Engine) -> None:
    status = 'a\nb\x1b[2J"=\\é\u202e'
    add_tasks(engine, {"status": status, "created_at": current_utc()})
    quoted = r'"a\nb\u001b[2J\"=\\é\u202e"'
    problem = f"not mapped: {quoted} in 1; map them in TaskSource(statuses=…)"
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
    assert (10, 'not mapped: "step 050" in 4') == (len(named), named[0])


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
        found = {"statuses": "not mapped: ARCHIVED in 2; map them in TaskSource(statuses=…)"}
        assert found == wrong(app)


def test_a_column_of_numbers_may_hold_some_that_are_not_mapped(engine: sa.Engine) -> None:
    with other_tasks(engine, sa.Integer(), 1, 2, 2) as app:
        found = {"statuses": "not mapped: 2 in 2; map them in TaskSource(statuses=…)"}
        assert found == wrong(app)


@contextmanager
def other_tasks(engine: sa.Engine, column_type: Any, *statuses: Any) -> Iterator[Flask]:
    """A host with tasks of these statuses, of which the member COMPLETED is mapped alone."""
    table = copy_of_tasks("other_tasks")
    table.append_column(sa.Column("status", column_type), replace_existing=True)
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [completed(status=status) for status in statuses])
    mapping: dict[str, Any] = dict.fromkeys(("failed", "cancelled", "processing", "queued"), ())
    with host(engine, TaskSource(table, statuses=mapping | {"completed": Stage.COMPLETED})) as app:
        yield app


# Timestamps.


def test_timestamps_that_completed_tasks_lack_are_counted(app: Flask, engine: sa.Engine) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("created_at", "processing_at", "completed_at"))
    add_tasks(
        engine,
        completed(processing_at=None),
        completed(processing_at=None),
        completed(created_at=None),
        completed(updated_at=None),
        completed(**nothing),
        completed(LONGER_AGO, processing_at=None),
        completed(LONGER_AGO, **nothing),
        completed(status="processing", completed_at=None),
    )
    problem = (
        "null in completed tasks: completed_at in 1, created_at in 2, processing_at in 3, "
        "updated_at in 1; set each when the status changes"
    )
    assert {"timestamps": problem} == wrong(app)


def test_negative_durations_are_counted_with_an_example(app: Flask, engine: sa.Engine) -> None:
    at = current_utc() - YESTERDAY
    add_tasks(
        engine,
        completed(),
        completed(processing_at=at - MINUTE, completed_at=at),
        completed(processing_at=at + MINUTE, completed_at=at),
        completed(LONGER_AGO, processing_at=current_utc()),
    )
    problem = (
        "negative: processing_at - created_at in 1, such as 2, "
        "completed_at - processing_at in 1, such as 3; set the workers' clocks by NTP"
    )
    assert {"durations": problem} == wrong(app)


def test_timestamps_in_the_future_are_counted(app: Flask, engine: sa.Engine) -> None:
    ahead = current_utc() + timedelta(hours=5.5)
    add_tasks(
        engine,
        completed(created_at=ahead, processing_at=ahead, completed_at=ahead, updated_at=ahead),
        completed(updated_at=current_utc() + timedelta(hours=1)),
        completed(status="processing", processing_at=ahead),
        completed(status="queued", processing_at=ahead),
    )
    found = wrong(app)
    hours = re.sub(
        r"(\d+) s", lambda seconds: f"{round(int(seconds[1]) / 3600, 2)} h", found["future"]
    )
    named = (
        "created_at in 1, by up to 5.5 h, processing_at in 1, by up to 5.5 h, "
        "completed_at in 1, by up to 5.5 h, updated_at in 2, by up to 5.5 h"
    )
    assert ["future"] == list(found)
    assert f"ahead: {named}; store UTC, not local time" == hours


def test_a_timestamp_less_than_a_second_ahead_is_well(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, completed(-timedelta(seconds=0.9)))
    assert {} == wrong(app)


NOT_UTC = (
    "not known, for the tasks can't be read: a timestamp is not UTC; "
    "store all of them in the form that SQLAlchemy writes"
)


@on_sqlite
def test_text_that_is_no_utc_timestamp_is_found(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, completed())
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tasks SET created_at = '2999-01-30T11:30:00+02:00'")
    assert NOT_UTC == wrong(app)["future"]


@on_sqlite
@pytest.mark.parametrize("stored", ["2026-01-30 04:30:00-05:00", 1769765400, "01/30/2026 09:30"])
def test_a_timestamp_that_no_window_comes_upon_is_found(
    app: Flask, engine: sa.Engine, stored: str | int
) -> None:
    add_tasks(engine, completed())
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tasks SET updated_at = ?", (stored,))
    assert {"utc": NOT_UTC} == wrong(app)


@pytest.mark.parametrize("database_url", ["mariadb", "postgresql"], indirect=True)
def test_timestamps_without_fractions_are_found(app: Flask, engine: sa.Engine) -> None:
    names = ("created_at", "completed_at")
    with engine.begin() as connection:
        for name in names:
            connection.exec_driver_sql(WITHOUT_FRACTIONS[connection.dialect.name].format(name))
    problem = "lost: created_at, completed_at; give the columns six digits of a second"
    assert {"fractions": problem} == wrong(app)


WITHOUT_FRACTIONS = {
    "postgresql": "ALTER TABLE tasks ALTER COLUMN {} TYPE timestamp(0)",
    "mariadb": "ALTER TABLE tasks MODIFY {} DATETIME",
}
