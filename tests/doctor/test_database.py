"""The doctor tries the secret, the connection, the timeout and the clocks."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from tests.support.databases import on
from tests.support.disturbances import locked_tasks
from tests.support.doctor import completed_ago, wrong
from tests.support.host import Base, Task, create_host, dispose_engines, engine_of, hosted


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        (None, "is not set; every request to /api/admin/metrics… is answered with 401"),
        ("x" * 15, "has a secret shorter than 16 characters; it can be guessed"),
    ],
)
def test_a_missing_or_short_secret_is_found(
    engine: sa.Engine, secret: str | None, problem: str
) -> None:
    with hosted(engine.url, TASK_METRICS_ADMIN_SECRET=secret) as app:
        told = (
            f"TASK_METRICS_ADMIN_SECRET {problem}; set it to the output of `openssl rand -hex 24`"
        )
        assert {"secret": told} == wrong(app)


def test_a_connection_that_the_host_uses_is_left_to_it() -> None:
    app = create_host("sqlite://")
    with app.app_context():
        Base.metadata.create_all(engine_of(app))
        app.extensions["sqlalchemy"].session.add(Task(**completed_ago()))
        app.extensions["sqlalchemy"].session.flush()
        problem = wrong(app)["database"]
    assert problem.startswith("the database can't be reached: ")
    assert "no connection to it came free" in problem
    dispose_engines(app)


def test_a_check_that_the_database_stops_is_not_ok(engine: sa.Engine) -> None:
    with (
        hosted(engine.url, TASK_METRICS_TIMEOUT_MS=500) as app,
        locked_tasks(engine.url.render_as_string(hide_password=False)),
    ):
        found = wrong(app)
    hint = (
        "end the session that locks the task table, or else create the missing indexes "
        "(`flask task-metrics indexes`) or raise TASK_METRICS_TIMEOUT_MS"
    )
    assert ["columns"] == list(found)
    problem, advice = found["columns"].split("; ")
    assert hint == advice
    assert re.fullmatch("the database stopped this check: .*(time|locked).*", problem)


def test_a_timeout_that_is_turned_off_is_found(engine: sa.Engine) -> None:
    with hosted(engine.url, TASK_METRICS_TIMEOUT_MS=0) as app:
        problem = (
            "TASK_METRICS_TIMEOUT_MS is 0, so only a timeout of the database's own stops "
            "a slow snapshot; remove the setting for the default of 10000 ms, or set another one"
        )
        assert {"timeout": problem} == wrong(app)


RESET_TIMEOUT = {
    "postgresql": "SET LOCAL statement_timeout = 0",
    "mariadb": "SET SESSION max_statement_time = 0",
    "mysql": "SET SESSION max_execution_time = 0",
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
        "a statement of a second ran past a timeout of 100 ms; find out what resets the timeout, "
        "such as a proxy or an event listener of the engine"
    )
    assert {"timeout": problem} == wrong(app)


def shift_clock(engine: sa.Engine, seconds: float) -> None:
    """Have a database's clock be ahead by seconds, or behind where they are negative."""
    connect = SHIFTED_CLOCK[engine.dialect.name]
    event.listen(engine, "connect", lambda driver, _record: connect(driver, seconds))
    engine.dispose()


def shift_clock_of_sqlite(driver: Any, seconds: float) -> None:
    def strftime(form: str, moment: str) -> str:
        shift = f"{seconds if moment == 'now' else 0} seconds"
        with closing(sqlite3.connect(":memory:")) as plain:
            [[shown]] = plain.execute("SELECT strftime(?, ?, ?)", (form, moment, shift))
        return str(shown)

    driver.create_function("strftime", 2, strftime)


def shift_clock_of_postgresql(driver: Any, seconds: float) -> None:
    driver.execute("CREATE SCHEMA IF NOT EXISTS elsewhere")
    driver.execute(f"""CREATE OR REPLACE FUNCTION elsewhere.clock_timestamp() RETURNS timestamptz
        AS $$ SELECT pg_catalog.clock_timestamp() + interval '{seconds} seconds' $$ LANGUAGE sql""")
    # What comes before the system's own schema hides it.
    driver.execute("SET search_path = elsewhere, pg_catalog, public")
    driver.commit()


def shift_clock_of_mysql(driver: Any, seconds: float) -> None:
    driver.cursor().execute(f"SET timestamp = UNIX_TIMESTAMP(NOW(6)) + {seconds}")


SHIFTED_CLOCK: dict[str, Callable[[Any, float], None]] = {
    "sqlite": shift_clock_of_sqlite,
    "postgresql": shift_clock_of_postgresql,
    "mariadb": shift_clock_of_mysql,
    "mysql": shift_clock_of_mysql,
}


@pytest.mark.parametrize(("seconds", "direction"), [(3600, "ahead of"), (-3600, "behind")])
def test_clocks_that_are_apart_are_found(app: Flask, seconds: int, direction: str) -> None:
    shift_clock(engine_of(app), seconds)
    form = (
        rf"the database's clock is (.*) s {direction} the application's; synchronize both with NTP"
    )
    found = re.fullmatch(form, wrong(app)["clocks"])
    assert found
    # The clock of MySQL and MariaDB stands still where it was set.
    assert 3600 == round(float(found[1]), -2)


# The clock of MySQL and MariaDB would fall behind while the test runs.
@on("sqlite", "postgresql", "postgresql-by-url")
@pytest.mark.parametrize(("seconds", "expected"), [(0.5, set()), (1.5, {"clocks"})])
def test_clocks_may_be_a_second_apart(app: Flask, seconds: float, expected: set[str]) -> None:
    shift_clock(engine_of(app), seconds)
    assert expected == wrong(app).keys()
