"""A check that fails is a finding that says what to do; the doctor goes on with the others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from flask_task_metrics import TaskSource
from flask_task_metrics.dialects import family_of
from tests.support.databases import on, run
from tests.support.disturbances import SHOWN_TASKS, show_tasks
from tests.support.doctor import completed_ago, findings, wrong
from tests.support.host import Base, add_tasks, engine_of, hosted
from tests.support.jobs import job_table


def is_reported(meaning: str, hint: str, problem: str) -> bool:
    """Return whether a problem is reported with the database's own message."""
    return (
        re.fullmatch(f"{re.escape(meaning)}: .*[a-zA-Z].*; {re.escape(hint)}", problem) is not None
    )


TABLE_MISSING = (
    "a table is missing",
    "run your migrations; if the table is elsewhere, map its schema or set TASK_METRICS_BIND_KEY",
)
COLUMN_MISSING = (
    "a column is missing",
    "run your migrations, or map a column that the table has",
)


def test_a_missing_table_leaves_out_the_checks_that_read_it(app: Flask, engine: sa.Engine) -> None:
    Base.metadata.drop_all(engine)
    [(check, problem)] = wrong(app).items()
    assert "columns" == check
    assert is_reported(*TABLE_MISSING, problem)
    assert "tasks" in problem.removeprefix("a table is missing: ")
    assert ["secret", "database", "timeout", "clocks"] == list(findings(app, "ok"))
    left_out = findings(app, "SKIP")
    assert {"left out, since columns is wrong; solve columns first"} == set(left_out.values())
    assert [
        *("source", "types", "indexes", "plans", "statuses", "timestamps", "updates"),
        *("durations", "future", "utc", "fractions"),
    ] == list(left_out)


def test_a_missing_column_is_named(app: Flask, engine: sa.Engine) -> None:
    run(engine, "ALTER TABLE tasks DROP COLUMN request_id")
    problem = wrong(app)["columns"]
    assert is_reported(*COLUMN_MISSING, problem)
    assert "request_id" in problem


CREATE_USER = {
    "postgresql": "CREATE ROLE {} LOGIN",
    "mysql": "CREATE USER {}@'%%'",
}
GRANT = {
    "postgresql": "GRANT SELECT ON {} TO {}",
    "mysql": "GRANT SELECT ON {} TO {}@'%%'",
}
DROP_USER = {
    "postgresql": "DROP OWNED BY {0}; DROP ROLE {0}",
    "mysql": "DROP USER {}@'%%'",
}


@contextmanager
def weak_user(engine: sa.Engine, *readable: str) -> Iterator[sa.URL]:
    """Yield the URL of a user who may read these tables alone."""
    family = family_of(engine.dialect)
    user = f"weak_{uuid4().hex[:16]}"
    run(engine, CREATE_USER[family].format(user))
    run(engine, *(GRANT[family].format(table, user) for table in readable))
    try:
        yield engine.url.set(username=user, password=None)
    finally:
        run(engine, DROP_USER[family].format(user))


@on("postgresql", "mariadb", "mysql")
def test_a_missing_privilege_is_reported(engine: sa.Engine) -> None:
    run(engine, "CREATE TABLE notes (id INTEGER)")
    with weak_user(engine, "notes") as url, hosted(url) as app:
        assert is_reported(
            "a privilege is missing",
            "grant the user SELECT on the table, and on PostgreSQL USAGE of its schema",
            wrong(app)["columns"],
        )


@on("mariadb", "mysql")
def test_a_view_whose_plan_may_not_be_shown_ends_one_check_alone(
    engine: sa.Engine, database_url: str
) -> None:
    show_tasks(database_url, "SELECT * FROM tasks")
    with weak_user(engine, "shown_tasks") as url, hosted(url, TaskSource(SHOWN_TASKS)) as app:
        [(check, problem)] = wrong(app).items()
    assert "plans" == check
    assert is_reported(
        "the plan of a view may not be shown",
        "grant the user SHOW VIEW on it and SELECT on its tables; snapshots need neither",
        problem,
    )


@on("mariadb", "mysql")
def test_a_view_of_a_missing_table_is_reported(engine: sa.Engine, database_url: str) -> None:
    show_tasks(database_url, "SELECT * FROM tasks")
    Base.metadata.drop_all(engine)
    with hosted(engine.url, TaskSource(SHOWN_TASKS)) as app:
        assert is_reported(
            "a view can't be read",
            "create it anew, and grant SELECT on its tables to its definer",
            wrong(app)["columns"],
        )


@on("postgresql")
def test_a_status_that_an_enum_lacks_is_reported(engine: sa.Engine) -> None:
    labels = ("completed", "failed", "cancelled", "processing", "queued")
    job_table(status=sa.Enum(*labels[:3], name="job_status")).create(engine)
    mapped = job_table(status=sa.Enum(*labels, name="job_status"))
    with hosted(engine.url, TaskSource(mapped)) as app:
        problem = wrong(app)["types"]
    assert is_reported(
        "a value doesn't fit the type of its column",
        "map in statuses the values that the column can hold, and () for a status that it lacks",
        problem,
    )
    assert "job_status" in problem


@on("postgresql")
def test_an_infinite_timestamp_is_reported_with_its_column(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, completed_ago())
    run(engine, "UPDATE tasks SET updated_at = 'infinity'")
    found = wrong(app)
    assert {"future", "utc"} == found.keys()
    assert is_reported(
        "a timestamp can't be read, or is out of range",
        "correct the rows with infinite, zero or far timestamps, or map an expression without them",
        found["future"],
    )
    assert (
        "updated_at is infinity or a year after 9999 in 1 task (id 1); "
        "correct these rows, or map an expression that makes null of them" == found["utc"]
    )


@on("postgresql")
def test_text_that_is_not_valid_in_its_encoding_is_reported(
    engine: sa.Engine, database_url: str
) -> None:
    show_tasks(
        database_url,
        r"SELECT * FROM tasks WHERE error_message = convert_from('\xff'::bytea, 'UTF8')",
    )
    with hosted(engine.url, TaskSource(SHOWN_TASKS)) as app:
        assert is_reported(
            "a text is not valid in its encoding",
            "correct the row, or map an expression that makes valid text of it",
            wrong(app)["columns"],
        )


@on("sqlite")
def test_a_file_that_is_no_database_is_reported(app: Flask, engine: sa.Engine) -> None:
    assert engine.url.database
    with open(engine.url.database, "r+b") as file:  # noqa: PTH123 - in the middle of it
        file.write(b"x" * 100)
    assert is_reported(
        "the data is damaged",
        "check the path, or repair the database or restore it from a backup",
        wrong(app)["columns"],
    )


@on("postgresql")
def test_an_error_without_words_of_its_own_is_reported_by_the_database_s(
    engine: sa.Engine, database_url: str
) -> None:
    add_tasks(engine, completed_ago())
    show_tasks(database_url, "SELECT * FROM tasks WHERE 1 / (id - 1) = 1")
    with hosted(engine.url, TaskSource(SHOWN_TASKS)) as app:
        problem = (
            'the database refused this check: "division by zero"; '
            "look its message up in the database's manual"
        )
        assert {problem} == set(wrong(app).values())


@contextmanager
def failing_check(app: Flask, error: Exception) -> Iterator[None]:
    """Have the host's own listener fail in the check of the plans."""

    @event.listens_for(engine_of(app), "before_cursor_execute")
    def fail(connection: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("EXPLAIN"):
            raise error

    yield
    event.remove(engine_of(app), "before_cursor_execute", fail)


def test_an_unexpected_error_ends_one_check_alone(app: Flask) -> None:
    healthy = findings(app, "ok").keys()
    with failing_check(app, KeyError("type")):
        problem = wrong(app)["plans"]
        assert healthy - {"plans"} == findings(app, "ok").keys()
    words = r"KeyError at test_refusals\.py:\d+: 'type'; report this error"
    assert re.fullmatch(words, problem)


def test_an_error_of_sqlalchemy_s_own_is_reported_in_a_line(app: Flask) -> None:
    with failing_check(app, sa.exc.InvalidRequestError("no value\nfor a parameter")):
        problem = wrong(app)["plans"]
    assert 'the tasks can\'t be asked for: "no value"; correct the mapping' == problem
