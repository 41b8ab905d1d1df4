"""`flask task-metrics doctor` prints a line a check; its exit status says whether all is well."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.commands import run_command
from tests.support.doctor import (
    HEALTHY,
    add_indexes,
    completed_ago,
    copy_of_tasks,
    findings,
    wrong,
)
from tests.support.host import (
    SOURCE,
    Base,
    add_tasks,
    create_host,
    dispose_engines,
    hosted,
)


def test_a_healthy_database_is_told_so_line_by_line(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, completed_ago(), completed_ago(status="queued"))
    add_indexes(engine)
    assert (0, HEALTHY) == run_command(app, "doctor")


def test_what_is_wrong_is_told_among_what_is_not(app: Flask) -> None:
    status, output = run_command(app, "doctor")
    lines = zip(HEALTHY.splitlines(), output.splitlines(), strict=True)
    assert 1 == status
    assert ["indexes"] == [
        healthy[6:].split(":")[0] for healthy, found in lines if healthy != found
    ]


def test_findings_are_printed_as_json(app: Flask, engine: sa.Engine) -> None:
    add_indexes(engine)
    add_tasks(engine, completed_ago(processing_at=None))
    status, output = run_command(app, "doctor", "--json")
    by_id = {finding["id"]: finding for finding in json.loads(output)}
    assert 1 == status
    assert [line[6:].split(":")[0] for line in HEALTHY.splitlines()] == list(by_id)
    assert {"timestamps"} == {name for name, finding in by_id.items() if not finding["ok"]}
    assert {
        "id": "secret",
        "ok": True,
        "message": "long enough",
        "hint": None,
    } == by_id["secret"]
    assert {
        "id": "timestamps",
        "ok": False,
        "message": "NULL in completed tasks: processing_at in 1",
        "hint": "set each one when the status changes",
    } == by_id["timestamps"]


def test_a_healthy_database_ends_with_0_as_json_too(app: Flask, engine: sa.Engine) -> None:
    add_indexes(engine)
    assert 0 == run_command(app, "doctor", "--json")[0]


@pytest.mark.parametrize(("option", "lacking"), [([], []), (["--source", "copies"], ["indexes"])])
def test_the_source_that_is_examined_is_the_one_named_or_else_the_first(
    engine: sa.Engine, database_url: str, option: list[str], lacking: list[str]
) -> None:
    copies = copy_of_tasks("copies")
    copies.create(engine)
    add_indexes(engine)
    with hosted(database_url, {"tasks": SOURCE, "copies": copies}) as app:
        _, output = run_command(app, "doctor", "--json", *option)
    assert lacking == [finding["id"] for finding in json.loads(output) if not finding["ok"]]


def test_a_hint_names_the_source_that_was_named(engine: sa.Engine, database_url: str) -> None:
    with hosted(database_url, {"tasks": SOURCE, "others": SOURCE}) as app:
        _, output = run_command(app, "doctor", "--source", "others")
    assert "; run `flask task-metrics indexes --source others` for the SQL\n" in output


def test_an_unknown_source_is_one_line(database_url: str) -> None:
    with hosted(database_url, {"tasks": SOURCE, "copies": SOURCE}) as app:
        result = run_command(app, "doctor", "--source", "mail")
    assert (1, "Error: the source is 'mail'; it must be one of: tasks, copies\n") == result


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/tasks.db",
        "postgresql+psycopg://nobody@127.0.0.1:1/tasks",
        "mariadb+pymysql://nobody@127.0.0.1:1/tasks",
    ],
)
def test_a_database_that_cannot_be_reached_is_one_problem(url: str) -> None:
    app = create_host(url)
    assert 1 == run_command(app, "doctor")[0]
    assert ["secret"] == list(findings(app, "ok"))
    [(check, problem)] = wrong(app).items()
    assert "database" == check
    assert problem.startswith("the database can't be reached: ")
    assert problem.endswith(
        "; check the database URL, and that the server is up and has a connection left"
    )
    left_out = set(findings(app, "SKIP").values())
    assert {"left out, since database is wrong; solve database first"} == left_out
    dispose_engines(app)


def test_a_check_that_is_left_out_is_neither_ok_nor_wrong_as_json(
    app: Flask, engine: sa.Engine
) -> None:
    Base.metadata.drop_all(engine)
    status, output = run_command(app, "doctor", "--json")
    by_id = {finding["id"]: finding for finding in json.loads(output)}
    assert 1 == status
    assert [line[6:].split(":")[0] for line in HEALTHY.splitlines()] == list(by_id)
    assert not by_id["columns"]["ok"]
    assert {
        "id": "types",
        "ok": None,
        "message": "left out, since columns is wrong",
        "hint": "solve columns first",
    } == by_id["types"]
