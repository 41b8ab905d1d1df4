"""`flask task-metrics check` is one line on stdout, and an exit status that monitors understand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from flask_task_metrics import TaskSource
from tests.support.databases import on
from tests.support.disturbances import locked_tasks
from tests.support.host import (
    SOURCE,
    Base,
    Task,
    add_tasks,
    create_host,
    current_utc,
    dispose_engines,
    hosted,
)
from tests.support.tasks import failed_now


def check(app: Flask, *options: str) -> tuple[int, str]:
    """Run the check, and return its exit status and its line on stdout."""
    result = app.test_cli_runner().invoke(args=["task-metrics", "check", *options])
    return result.exit_code, line_of(result)


def line_of(result: Result) -> str:
    """Return the only line of a check, which is on stdout."""
    [line] = result.stdout.splitlines()
    return line


def waiting(seconds: int) -> dict[str, Any]:
    """Return a task that has waited for seconds."""
    now = current_utc()
    return {"status": "queued", "created_at": now - timedelta(seconds=seconds), "updated_at": now}


@pytest.mark.parametrize(
    ("options", "status", "line"),
    [
        (["-w", "queued=2", "-c", "queued=3"], 0, "TASKS OK - queued is 2 | queued=2;2;3;0"),
        (
            ["-w", "queued=1", "-c", "queued=3"],
            1,
            "TASKS WARNING - queued is 2; warn is 1 | queued=2;1;3;0",
        ),
        (
            ["-w", "queued=1", "-c", "queued=@0:2"],
            2,
            "TASKS CRITICAL - queued is 2; crit is @0:2 | queued=2;1;@2;0",
        ),
        (
            ["-c", "failed=0", "-c", "completed=1:", "-w", "queued=1"],
            2,
            (
                "TASKS CRITICAL - failed is 1; crit is 0 / completed is 0; crit is 1: / "
                "queued is 2; warn is 1 | queued=2;1;;0 failed=1;;0;0 completed=0;;1:;0"
            ),
        ),
        (
            ["-c", "failure_rate=0.1", "--min-ended", "2"],
            0,
            (
                "TASKS OK - failure_rate has no data: tasks ended: 1, min_ended: 2 "
                "| failure_rate=U;;0.1;0;1"
            ),
        ),
        (
            ["-c", "failure_rate=0.1"],
            2,
            (
                "TASKS CRITICAL - failure_rate is 1: 1 of 1 ended tasks failed; crit is 0.1 "
                "| failure_rate=1;;0.1;0;1"
            ),
        ),
        (
            ["-c", "p95.end_to_end=8"],
            0,
            (
                "TASKS OK - p95.end_to_end has no data: no task has completed with this latency "
                "| 'p95.end_to_end'=U;;8;0"
            ),
        ),
    ],
)
def test_the_options_are_the_conditions(
    app: Flask, engine: sa.Engine, options: list[str], status: int, line: str
) -> None:
    add_tasks(engine, waiting(9), waiting(5), failed_now())
    assert (status, line) == check(app, *options)


@on("sqlite")
def test_a_state_is_one_of_several(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, waiting(1000))
    status, line = check(app, "-c", "state=stalled,stuck")
    assert 2 == status
    assert line.startswith("TASKS CRITICAL - state is stalled: 1 due task is queued, for 16 min; ")
    assert line.endswith("; crit is stalled or stuck")


@on("sqlite")
def test_without_options_the_conditions_are_those_of_the_setting(
    database_url: str, engine: sa.Engine
) -> None:
    add_tasks(engine, waiting(5))
    checks = {"queued": {"warn": 0, "crit": 3}, "created": {"crit": "1:"}}
    sources = {"videos": SOURCE, "none": TaskSource(Task, statuses={"queued": "never"})}
    with hosted(database_url, sources, TASK_METRICS_CHECKS=checks) as app:
        first, other = check(app), check(app, "--source", "none", "--minutes", "5")
        own = check(app, "-c", "created=0:5")
    performance = "queued=1;0;3;0 created=1;;1:;0"
    assert (1, f"TASKS WARNING - videos: queued is 1; warn is 0:0 | {performance}") == first
    assert 0 == other[0]
    assert other[1].startswith("TASKS OK - none: queued is 0 / created is 1 | ")
    assert (0, "TASKS OK - videos: created is 1 | created=1;;5;0") == own


@on("sqlite")
@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["-c", "depth=3"], "'-c' / '--critical': there is no figure 'depth'; there are: failure_"),
        (["-w", "queued"], "'-w' / '--warning': queued is ''; it must be a number or a range such"),
        (["-w", "queued=2:1"], "queued is '2:1'; it must be a number or a range such as '10'"),
        (["-c", "state=tired"], "state is 'tired'; it must be a list of states, such as"),
        (["-c", "queued=1", "-c", "queued=2"], "a figure is there twice: queued, queued"),
        (["-c", "queued=1", "--min-ended", "3"], "--min-ended needs -w or -c with failure_rate=…"),
        (["-c", "created=1"], "the check has a condition on 'created', and the source has no crea"),
        (["--nope"], "No such option '--nope'"),
        (["extra"], "Got unexpected extra argument (extra)"),
        (["--minutes", "many"], "'many' is not a valid integer."),
        (["--minutes", "0"], "minutes is 0; it must be a whole number, 1 to 1440"),
        (["--source", "mail"], "the source is 'mail'; there is only one, without a name"),
    ],
)
@pytest.mark.usefixtures("engine")
def test_wrong_options_are_unknown(database_url: str, options: list[str], text: str) -> None:
    with hosted(database_url, TaskSource(Task, created_at=None)) as app:
        status, line = check(app, *options)
    assert 3 == status
    assert line.startswith("TASKS UNKNOWN - ")
    assert text in line


@on("sqlite")
def test_help_is_no_check(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["task-metrics", "check", "--help"])
    assert (0, True) == (result.exit_code, result.stdout.startswith("Usage:"))


def test_a_database_that_cannot_be_reached_is_critical() -> None:
    app = create_host("postgresql+psycopg://nobody@127.0.0.1:1/tasks")
    reached = (
        "METRICS_UNAVAILABLE: The database can't be reached, or no connection to it came free."
    )
    assert (2, f"TASKS CRITICAL - {reached}") == check(app, "-c", "queued=1")
    dispose_engines(app)


@on("sqlite")
@pytest.mark.usefixtures("engine")
def test_a_database_that_does_not_answer_in_time_is_critical(database_url: str) -> None:
    with hosted(database_url, TASK_METRICS_TIMEOUT_MS=1000) as app, locked_tasks(database_url):
        status, line = check(app, "-c", "queued=1")
    assert 2 == status
    assert line.startswith("TASKS CRITICAL - METRICS_TIMEOUT: The database did not answer in time")


@on("sqlite")
def test_a_table_that_is_missing_is_unknown(app: Flask, engine: sa.Engine) -> None:
    Base.metadata.drop_all(engine)
    expected = (3, "TASKS UNKNOWN - METRICS_ERROR: no such table: tasks")
    assert expected == check(app, "-c", "queued=1")
