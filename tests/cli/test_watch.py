"""`flask task-metrics watch` shows the figures again and again, and when they are stale."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from flask_task_metrics import TaskSource
from tests.support.commands import run_command, run_on_terminal
from tests.support.databases import on
from tests.support.host import Base, Task, add_tasks, current_utc, engine_of, hosted
from tests.support.tasks import failed_now
from tests.support.terminal import (
    Terminal,
    on_terminal,
    process_on_terminal,
    wait_for_text,
    without_escapes,
)

pytestmark = on("sqlite")


@contextmanager
def at_each_connection(app: Flask, *steps: Callable[[], object]) -> Iterator[None]:
    """Take a step before each connection that the app checks out, and then press Ctrl-C."""
    left = list(steps)

    def take_step(*_: Any) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    pool = engine_of(app).pool
    event.listen(pool, "checkout", take_step)
    try:
        yield
    finally:
        event.remove(pool, "checkout", take_step)


def nothing() -> None:
    """Take no step."""


def reports(output: str) -> list[str]:
    """Return the reports that were written one below the other."""
    begins = [
        found.start() for found in re.finditer("^(IDLE|WORKING|STALE|No fig)", output, re.MULTILINE)
    ]
    return [output[begin:end] for begin, end in zip(begins, [*begins[1:], None], strict=True)]


def test_each_reading_shows_what_changed_since_the_last(app: Flask, engine: sa.Engine) -> None:
    add_tasks(engine, failed_now())
    add = lambda: add_tasks(engine, failed_now(), {"status": "queued"})  # noqa: E731 - a step
    with at_each_connection(app, nothing, nothing, add, nothing):
        status, output = run_command(app, "watch", "-n", "0.1")
    first, second = reports(output)
    assert 0 == status
    assert re.search(r"\n  failed      1  ▁+█▁?\n", first)
    assert "changes since" not in first
    assert re.search(
        r"\nCounts in steps of 2 min, and changes since 2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", second
    )
    assert re.search(r"\n  failed      2  \+1  ▁+[▁-█]+\n", second)
    assert "\n  queued      1  +1  ████████████████████  age not recorded\n" in second
    assert "\n  2  +1  ██████████  NO_ANSWER\n" in second
    assert all(line.isprintable() for line in output.splitlines())


def test_a_failed_reading_keeps_the_last_figures_and_says_why(
    app: Flask, engine: sa.Engine
) -> None:
    add_tasks(engine, failed_now())
    drop = lambda: Base.metadata.drop_all(engine)  # noqa: E731 - a step
    create = lambda: Base.metadata.create_all(engine)  # noqa: E731 - a step
    # A failed reading looks once more for timestamps that can't be read.
    with at_each_connection(app, nothing, nothing, drop, nothing, create, nothing):
        output = run_command(app, "watch", "-n", "0.1")[1]
    live, stale, alive = reports(output)[0], "".join(reports(output)[1:3]), reports(output)[3]
    assert re.match(r"STALE since \S+Z: METRICS_ERROR: no such table: tasks\nIDLE: ", stale)
    figures = live.partition("\nBacklog")[2]
    assert figures == stale.partition("\nBacklog")[2]
    assert re.search(r"\n  failed      0  -1  ▁+\n", alive)


def test_without_any_figures_it_says_so(app: Flask, engine: sa.Engine) -> None:
    Base.metadata.drop_all(engine)
    with at_each_connection(app, nothing, nothing):
        output = run_command(app, "watch", "-n", "0.1")[1]
    assert "No figures: METRICS_ERROR: no such table: tasks\n\n" == output


def test_the_course_of_time_is_a_sparkline_for_each_figure(app: Flask, engine: sa.Engine) -> None:
    now = current_utc()
    ended = {"created_at": now, "processing_at": now, "completed_at": now, "updated_at": now}
    add_tasks(engine, *[{"status": status} | ended for status in ("completed", "failed", "failed")])
    with at_each_connection(app, nothing, nothing):
        output = run_command(app, "watch", "-n", "0.1", "--minutes", "20")[1]
    counts = output.partition("\nCounts in steps of 60 s\n")[2].splitlines()[:6]
    assert [
        "  created     3  ▁█",
        "  completed   1  ▁█",
        "  failed      2  ▁█",
        "  cancelled   0  ▁",
        "  processing  0",
        "  queued      0",
    ] == [re.sub("█▁$", "█", re.sub("▁+", "▁", line)) for line in counts]
    slowest = output.partition("\np95 in steps of 60 s\n")[2].splitlines()[:3]
    assert [True] * 3 == [line.endswith(" ▁  most 0 s") for line in slowest]


def test_a_course_that_is_not_recorded_is_shown_as_such(
    database_url: str, engine: sa.Engine
) -> None:
    add_tasks(engine, failed_now())
    source = TaskSource(Task, created_at=None)
    with hosted(database_url, source) as app, at_each_connection(app, nothing, nothing):
        output = run_command(app, "watch", "-n", "0.1")[1]
    assert "\n  created     not recorded\n" in output
    slowest = output.partition("\np95 in steps of ")[2].splitlines()[1:4]
    assert [
        "  time to processing  not recorded",
        "  time to complete    no samples",
        "  end to end          not recorded",
    ] == slowest


@pytest.mark.parametrize("option", [["--where", "x=y"], ["--minutes", "0"], ["-n", "0"]])
@pytest.mark.usefixtures("engine")
def test_what_cannot_be_asked_for_ends_it(app: Flask, option: list[str]) -> None:
    assert 0 != run_command(app, "watch", *option)[0]


@pytest.mark.parametrize("rich", [True, False])
def test_a_terminal_is_drawn_in_place(
    app: Flask, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, rich: bool
) -> None:
    add_tasks(engine, failed_now())
    if not rich:
        monkeypatch.setitem(sys.modules, "rich", None)
    steps = at_each_connection(app, nothing, nothing, nothing, nothing)
    with on_terminal(monkeypatch, LINES="60") as terminal, steps:
        run_on_terminal(app, "watch", "-n", "0.1")
    home = "\x1b[H" if rich else "\x1b[2J\x1b[1;1H"
    assert 2 <= terminal.raw.count(home)
    # The last ones stay when rich leaves its own screen.
    assert 2 + rich == without_escapes(terminal.raw).count("NO_ANSWER")
    assert rich == ("NO_ANSWER" in terminal.raw.partition("\x1b[?1049l")[2])


def test_a_low_terminal_gets_the_first_lines_and_is_told_of_others(
    app: Flask, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tasks(engine, failed_now())
    monkeypatch.setitem(sys.modules, "rich", None)
    with on_terminal(monkeypatch) as terminal, at_each_connection(app, nothing, nothing):
        run_on_terminal(app, "watch", "-n", "0.1")
    lines = without_escapes(terminal.raw).splitlines()
    assert 23 == len(lines)
    assert re.fullmatch("… [0-9]+ more lines, for a taller terminal", lines[-1])
    assert "" not in lines


def press_ctrl_c(terminal: Terminal, _: subprocess.Popen[bytes]) -> None:
    terminal.press(b"\x03")


def send_sigterm(_: Terminal, process: subprocess.Popen[bytes]) -> None:
    process.terminate()


@pytest.mark.slow
@pytest.mark.parametrize("rich", [True, False])
@pytest.mark.parametrize("end", [press_ctrl_c, send_sigterm])
def test_its_end_leaves_the_terminal_as_it_was(
    database_url: str,
    engine: sa.Engine,
    end: Callable[[Terminal, subprocess.Popen[bytes]], None],
    rich: bool,
) -> None:
    created = current_utc() - timedelta(minutes=1)
    add_tasks(engine, {"status": "queued", "created_at": created, "updated_at": created})
    without = "" if rich else "import sys; sys.modules['rich'] = None; "
    arguments = ("--app", "tests.support.checked_app", "task-metrics", "watch", "-n", "0.2")
    with process_on_terminal(
        f"{without}from flask.cli import main; main()",
        *arguments,
        environment={"DATABASE_URL": database_url},
    ) as (terminal, process):
        wait_for_text(terminal, ", and changes since")
        end(terminal, process)
        assert 0 == process.wait(30)
    assert "Traceback" not in terminal.raw
    assert "Aborted" not in terminal.raw
    assert terminal.raw.count("\x1b[?1049h") == terminal.raw.count("\x1b[?1049l") == rich
    assert terminal.raw.count("\x1b[?25l") == terminal.raw.count("\x1b[?25h")
