"""`flask task-metrics snapshot` shows a person the figures of `metrics-snapshot`."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import TaskSource
from tests.support.commands import run_command, run_on_terminal
from tests.support.databases import on
from tests.support.host import HEADERS, SOURCE, Base, Task, add_tasks, current_utc, hosted
from tests.support.http import body_of, get_snapshot
from tests.support.terminal import on_terminal, without_escapes

BY_REQUEST = TaskSource(Task, dimensions={"engine": "request_id"})


def failed(engine: str | None, message: str = "NO_ANSWER", **columns: Any) -> dict[str, Any]:
    """Return a task that failed now, with an engine as the dimension."""
    now = current_utc()
    times = {"created_at": now, "updated_at": now}
    task = {"status": "failed", "error_message": message, "request_id": engine}
    return task | times | columns


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    """Return figures without the window, which may be a second later, and the request."""
    return {name: answer[name] for name in answer if name not in ("window", "requestId", "reason")}


def test_the_json_is_that_of_the_endpoint(app: Flask, engine: sa.Engine) -> None:
    hour_ago = current_utc() - timedelta(minutes=61)
    add_tasks(engine, failed("x"), failed("x", created_at=hour_ago, updated_at=hour_ago))
    status, output = run_command(app, "snapshot", "--json", "--compare", "--minutes", "60")
    answer = body_of(get_snapshot(app.test_client(), "compare=previous"))
    assert (0, 60) == (status, json.loads(output)["window"]["minutes"])
    assert list(answer) == ["window", "requestId", *list(json.loads(output))[1:]]
    assert without_times(answer) == without_times(json.loads(output))
    assert 1 == json.loads(output)["previous"]["failed"]


@on("sqlite")
def test_the_json_names_one_of_several_sources(database_url: str, engine: sa.Engine) -> None:
    add_tasks(engine, failed("x"))
    with hosted(database_url, {"videos": SOURCE, "none": TaskSource(Task, created_at=None)}) as app:
        first = json.loads(run_command(app, "snapshot", "--json")[1])
        other = json.loads(run_command(app, "snapshot", "--json", "--source", "none")[1])
        answer = body_of(get_snapshot(app.test_client(), "source=none"))
        text = run_command(app, "snapshot", "--source", "none")[1]
    assert ("videos", 1) == (first["source"], first["tasks"]["created"])
    assert without_times(answer) == without_times(other)
    assert "; source none\n" in text


@on("sqlite")
def test_the_markdown_is_that_of_the_endpoint(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, failed("x"))
    headers = HEADERS | {"Accept": "text/markdown"}
    answer = app.test_client().get("/api/admin/metrics-snapshot", headers=headers).text
    status, output = run_command(app, "snapshot", "--markdown")
    assert 0 == status
    assert answer.partition("**Backlog**")[2] == output.partition("**Backlog**")[2]
    assert "request `" not in output.partition("**Backlog**")[0]


@pytest.mark.parametrize(
    ("where", "count"),
    [
        (["engine=runway"], 2),
        (["engine=runway", "engine=pika"], 3),
        (["engine=a=b"], 1),
        (["engine="], 1),
        (["engine=nope"], 0),
    ],
)
def test_the_figures_are_those_of_the_tasks_that_are_asked_for(
    database_url: str, engine: sa.Engine, where: list[str], count: int
) -> None:
    add_tasks(engine, *map(failed, ["runway", "runway", "pika", "a=b", None]))
    options = [option for condition in where for option in ("--where", condition)]
    with hosted(database_url, BY_REQUEST) as app:
        output = run_command(app, "snapshot", "--json", *options)[1]
    assert count == json.loads(output)["tasks"]["failed"]


@on("sqlite")
def test_the_groups_are_those_of_the_endpoint(database_url: str, engine: sa.Engine) -> None:
    add_tasks(engine, *map(failed, ["runway", "pika", "runway", None]))
    with hosted(database_url, BY_REQUEST) as app:
        text = run_command(app, "snapshot", "--group-by", "engine")[1]
        output = run_command(app, "snapshot", "--json", "--group-by", "engine")[1]
        answer = body_of(get_snapshot(app.test_client(), "groupBy=engine"))
    assert without_times(answer) == without_times(json.loads(output))
    rows = text.partition("Groups by engine, 3 in all\n")[2].splitlines()
    assert ["runway", "pika", "null"] == [row.split()[0] for row in rows[1::2]]


@on("sqlite")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--where", "engine"], "--where is 'engine'; it must be such as engine=runway"),
        (["--where", "tier=x"], "the dimension is 'tier'; it must be one of engine"),
        (["--group-by", "tier"], "the dimension is 'tier'; it must be one of engine"),
        (["--source", "mail"], "the source is 'mail'; there is only one, without a name"),
        (["--minutes", "0"], "minutes is 0; it must be a whole number, 1 to 1440"),
    ],
)
@pytest.mark.usefixtures("engine")
def test_what_cannot_be_asked_for_is_one_line(
    database_url: str, options: list[str], message: str
) -> None:
    with hosted(database_url, BY_REQUEST) as app:
        assert (1, f"Error: {message}\n") == run_command(app, "snapshot", *options)


@on("sqlite")
def test_figures_that_cannot_be_read_are_one_line(app: Flask, engine: sa.Engine) -> None:
    Base.metadata.drop_all(engine)
    expected = (1, "Error: METRICS_ERROR: no such table: tasks\n")
    assert expected == run_command(app, "snapshot")


@on("sqlite")
def test_a_timestamp_that_cannot_be_read_is_named(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, {"status": "queued"})
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tasks SET created_at = 'soon'")
    found = "created_at is text that is not a UTC timestamp in 1 task (id 1)"
    assert (1, f"Error: METRICS_ERROR: {found}\n") == run_command(app, "snapshot")


@on("sqlite")
def test_a_database_that_cannot_be_reached_is_one_line(database_url: str) -> None:
    with hosted("sqlite:////nowhere/tasks.db") as app:
        status, output = run_command(app, "snapshot")
    text = "Error: METRICS_UNAVAILABLE: The database can't be reached, or no connection to it"
    assert (1, f"{text} came free.\n") == (status, output)


@on("sqlite")
def test_a_file_gets_text_without_control_characters(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, failed("\x1b[31m", "[red]\x1b[31mBOOM\u202e 漢字"))
    status, output = run_command(app, "snapshot", "--compare")
    assert 0 == status
    assert output.startswith("IDLE: no due task is queued; the last task ended ")
    assert all(line.isprintable() for line in output.splitlines())
    assert "[red]" in output


@on("sqlite")
def test_a_terminal_gets_the_same_text_in_colour(
    app: Flask, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tasks(engine, failed("\x1b[31m", "[red]\x1b[31mBOOM\u202e 漢字"))
    output = run_command(app, "snapshot")[1]
    with on_terminal(monkeypatch) as terminal:
        run_on_terminal(app, "snapshot")
    assert "\x1b[1mCounts\x1b[0m\n" in terminal.raw
    assert counts_and_errors(output) == counts_and_errors(without_escapes(terminal.raw))


def counts_and_errors(output: str) -> str:
    """Return the part of a report that no second changes."""
    return output[output.index("Counts") :]


@on("sqlite")
@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"without": "rich"}])
def test_a_terminal_without_colours_gets_none(
    app: Flask,
    engine: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
) -> None:
    add_tasks(engine, failed("x"))
    if environment.pop("without", None):
        monkeypatch.setitem(sys.modules, "rich", None)
    with on_terminal(monkeypatch, **environment) as terminal:
        run_on_terminal(app, "snapshot")
    assert "\x1b[3" not in terminal.raw.replace("\x1b[1m", "").replace("\x1b[2m", "")
    assert counts_and_errors(run_command(app, "snapshot")[1]) == counts_and_errors(
        without_escapes(terminal.raw)
    )


@on("sqlite")
@pytest.mark.parametrize("rich", [True, False])
def test_a_terminal_without_blocks_gets_signs_that_it_has(
    app: Flask, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, rich: bool
) -> None:
    add_tasks(engine, failed("x", "bröken"))
    if not rich:
        monkeypatch.setitem(sys.modules, "rich", None)
    with on_terminal(monkeypatch, "ascii") as terminal:
        run_on_terminal(app, "snapshot")
    assert "  1  ##########  br\\xf6ken\n" in without_escapes(terminal.raw)
