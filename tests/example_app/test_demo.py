"""`make demo` shows the example at work."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.demo import __main__ as demo
from example_app.demo import progress, traffic
from example_app.demo.processes import Address, Backend
from example_app.demo.seeding import seed
from example_app.models import db
from example_app.shutdown import Shutdown
from tests.support.example import add_tasks, http_get, in_background, statuses, total_tasks
from tests.support.host import SECRET
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


def test_starts_nothing_where_the_port_is_taken(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        assert 1 == demo.main([])

    output = capsys.readouterr()
    assert "" == output.out
    assert f"PORT={port + 1} make demo" in output.err


def test_prints_commands_to_paste_that_work(
    port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = ""

    def is_complete() -> bool:
        nonlocal printed
        printed += capsys.readouterr().out
        return "tail -f" in printed

    with in_background(lambda shutdown: demo.run(tmp_path, shutdown)):
        wait_until(is_complete)
        commands = re.findall(r"^  (\S(?:.*\\\n)*.*)$", printed, re.MULTILINE)
        *commands, last = commands
        answers = [
            subprocess.check_output(["sh", "-c", command], text=True, cwd="/")
            for command in commands
        ]

    assert last.startswith("tail -f ")
    expected = [
        '"minutes": 60',
        '"minutes": 1440',
        "task.failed",
        "401 UNAUTHORIZED",
        "201 CREATED",
        "ok    secret: long enough",
        "video_tasks",
    ]
    assert expected == [
        part for part, answer in zip(expected, answers, strict=True) if part in answer
    ]


def test_can_be_ended_before_the_server_answers(
    port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutdown = Shutdown()
    shutdown.request()

    demo.run(tmp_path, shutdown)

    assert "curl" not in capsys.readouterr().out
    Address("127.0.0.1", port).check_free()


def test_leads_from_an_error_to_its_request_at_once(sqlite_url: str, tmp_path: Path) -> None:
    log = tmp_path / "backend.log"

    error = seed(sqlite_url, SECRET, log)

    assert error.sample.request_id is not None
    lines = [line for line in log.read_text().splitlines() if error.sample.request_id in line]
    assert ["task.created", "request.completed", "task.failed"] == [
        line.partition("[METRICS] ")[2].split()[0] for line in lines
    ]


def test_refuses_a_database_that_has_tasks_and_leaves_them_as_they_are(
    port: int, tasks: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    add_tasks()
    url = db.engine.url
    if url.get_backend_name() == "postgresql":
        # Where the server trusts everybody, a password changes nothing.
        url = url.set(password=url.password or "a-password")

    assert 1 == demo.main([url.render_as_string(hide_password=False)])

    error = capsys.readouterr().err
    assert f"{url.render_as_string()} has tasks in its table video_tasks already" in error
    assert "a-password" not in error
    assert {"queued": 1} == statuses()


def test_refuses_the_tasks_of_a_table_with_other_columns(
    port: int, sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = sa.create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE video_tasks (key TEXT)")
        connection.exec_driver_sql("INSERT INTO video_tasks VALUES ('theirs')")
    engine.dispose()

    assert 1 == demo.main([sqlite_url])
    assert "DROP TABLE video_tasks" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////missing/tasks.db", "db2+missing://"])
def test_tells_why_a_database_cannot_be_used(
    port: int, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == demo.main([url])
    assert capsys.readouterr().err.startswith("DATABASE_URL can't be used: ")


def test_says_again_and_again_that_a_slow_step_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.01)
    printed = ""

    def is_repeated() -> bool:
        nonlocal printed
        printed += capsys.readouterr().out
        return printed.count("Seeding is still going on ...\n") > 1

    with progress.progress("Seeding"):
        wait_until(is_repeated)

    assert printed.startswith("Seeding ...\n")


def test_takes_a_database_from_makes_command_line_alone() -> None:
    def commands(*arguments: str) -> str:
        return subprocess.check_output(
            ["make", "--dry-run", "demo", *arguments],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"DATABASE_URL": "sqlite:///exported.db"},
            text=True,
        )

    assert "-m example_app.demo \n" in commands()
    assert '-m example_app.demo "$DATABASE_URL"\n' in commands("DATABASE_URL=sqlite:///mine.db")


def test_takes_no_database_from_the_environment(
    port: int,
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    folder = tmp_path / "demo"
    folder.mkdir()
    shutdown = Shutdown()
    shutdown.request()

    demo.run(folder, shutdown)

    assert not Path(sqlite_url.removeprefix("sqlite:///")).exists()
    assert (folder / "video-tasks.db").exists()


def test_new_tasks_come_in_now_and_then(server: Backend) -> None:
    in_two_seconds = next(
        seed
        for seed in range(10_000)
        for rng in [Random(seed)]
        if rng.random() >= traffic.TASKS_PER_SECOND > rng.random()
    )
    before = total_tasks(server)

    with in_background(
        lambda shutdown: traffic.send_tasks(server, shutdown, Random(in_two_seconds))
    ):
        wait_until(lambda: total_tasks(server) > before)


def test_a_few_of_the_new_tasks_are_cancelled(server: Backend) -> None:
    rng = Random(1)

    for _ in range(100):
        traffic.create_task(server, rng)

    _, page = http_get(server.address.port, "/api/video-tasks?perPage=100")
    cancelled = [task for task in page["items"] if task["status"] == "cancelled"]
    assert 0 < len(cancelled) < 20
