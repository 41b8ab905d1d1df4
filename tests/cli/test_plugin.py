"""`flask-task-metrics-check` checks an app that it loads, or a remote one, and always ends as a
plugin does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask, redirect

from flask_task_metrics.cli.plugin import main
from tests.support.databases import on
from tests.support.host import CHECK, SECRET, SOURCE, Base, add_tasks, hosted
from tests.support.pages import ROOT
from tests.support.serving import serving
from tests.support.tasks import failed_now

APP = "tests.support.checked_app"

UNREACHABLE = "http://127.0.0.1:9/metrics-check"


def run(*options: str, secret: str | None = SECRET) -> tuple[int, str]:
    """Run the console script, and return its exit status and its only line on stdout."""
    environment = {"TASK_METRICS_ADMIN_SECRET": secret}
    result = CliRunner(env=environment).invoke(main, options)
    [line] = result.stdout.splitlines()
    return result.exit_code, line


@on("sqlite")
def test_an_app_is_loaded_and_checked(
    database_url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tasks(engine, failed_now())
    monkeypatch.setenv("DATABASE_URL", database_url)
    line = "TASKS WARNING - failed is 1; warn is 0 | failed=1;0;;0"
    assert (1, line) == run("--app", f"{APP}:create_app", "-w", "failed=0")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("no_such_module", "Could not import 'no_such_module'."),
        (f"{APP}:nothing", f"Failed to find attribute 'nothing' in '{APP}'."),
        (f"{APP}:create_app", "TASKS UNKNOWN - KeyError: 'DATABASE_URL'"),
        (f"{APP}:exit_at_once", f"{APP}:exit_at_once exits while it is loaded: DATABASE_URL is n"),
        ("tests.support.host:create_host('x', None)", "UNKNOWN - Could not parse SQLAlchemy URL"),
    ],
)
def test_an_app_that_cannot_be_loaded_is_unknown(
    path: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    status, line = run("--app", path)
    assert 3 == status
    assert line.startswith("TASKS UNKNOWN - ")
    assert text in line


def test_an_error_in_the_import_of_an_app_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "broken_app.py").write_text("import no_such_module\n")
    text = "While importing 'broken_app', an ImportError was raised:"
    error = "ModuleNotFoundError: No module named 'no_such_module'"
    assert (3, f"TASKS UNKNOWN - {text} {error}") == run("--app", "broken_app")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ([], "give --app, or --url and maybe --timeout"),
        (["--app", "x", "--url", "https://x"], "give --app, or --url and maybe --timeout"),
        (["--app", "x", "-t", "3"], "give --app, or --url and maybe --timeout"),
        (["--url", "https://x", "-w", "queued=1"], "-w, -c and --min-ended need --app"),
        (["--url", "https://x", "-c", "queued=1"], "-w, -c and --min-ended need --app"),
        (["--url", "https://x", "--min-ended", "1"], "-w, -c and --min-ended need --app"),
        (["--url", "file:///etc/passwd"], "--url must begin with https:// or http://"),
        (["--url", "https://x", "-t", "0"], "0.0 is not in the range x>=0.1."),
    ],
)
def test_wrong_options_are_unknown(options: list[str], text: str) -> None:
    status, line = run(*options)
    assert 3 == status
    assert text in line


@pytest.mark.parametrize("secret", [None, "", "top\nsecret", " top secret"])
def test_a_secret_that_cannot_be_sent_is_unknown_and_never_shown(secret: str | None) -> None:
    status, line = run("--url", UNREACHABLE, secret=secret)
    assert 3 == status
    assert "$TASK_METRICS_ADMIN_SECRET has a secret that no HTTP header can carry" in line
    assert "top" not in line


@on("sqlite")
def test_a_remote_app_is_asked_for_its_check(database_url: str, engine: sa.Engine) -> None:
    add_tasks(engine, failed_now())
    checks = {
        "failed": {"warn": 0, "crit": 3},
        "queued_age": {"crit": 300},
        "state": {"warn": ["idle"]},
    }
    sources = {"videos": SOURCE, "others": SOURCE}
    with hosted(database_url, sources, TASK_METRICS_CHECKS=checks) as app, serving(app) as server:
        url = server.url(CHECK)
        status, line = run("--url", url, "--minutes", "5", "--source", "others")
        ascii_secret = run("--url", f"{url}?minutes=5", secret="wröng secret")  # noqa: S106
        wrong = run("--url", url, "--minutes", "0")
        named = run("--url", f"{url}?minutes=5", "--source", "videos")
    assert 1 == status
    assert line.startswith("TASKS WARNING - others: failed is 1; warn is 0:0 / state is idle: no ")
    assert line.endswith(" | failed=1;0;3;0 queued_age=U;;300;0")
    assert "TASKS WARNING - videos: " == named[1][:24]
    assert (3, "TASKS UNKNOWN - ADMIN_UNAUTHORIZED: Send the admin s") == (
        ascii_secret[0],
        ascii_secret[1][:52],
    )
    assert wrong[1].endswith(
        "minutes: Must be greater than or equal to 1 and less than or equal to 1440."
    )
    assert 3 == wrong[0]


@on("sqlite")
def test_a_remote_app_that_is_critical_is_so(database_url: str, engine: sa.Engine) -> None:
    add_tasks(engine, failed_now())
    checks = {"failed": {"crit": 0}}
    with hosted(database_url, TASK_METRICS_CHECKS=checks) as app, serving(app) as server:
        judged = run("--url", server.url(CHECK))
        Base.metadata.drop_all(engine)
        failed = run("--url", server.url(CHECK))
    assert (2, "TASKS CRITICAL - failed is 1; crit is 0:0 | failed=1;;0;0") == judged
    assert 3 == failed[0]
    assert failed[1].startswith("TASKS UNKNOWN - METRICS_ERROR: The figures could not be read; ")


def problem(code: str) -> str:
    """Return the body of a problem."""
    return json.dumps({"code": code, "detail": "Why."})


def judged(**check: Any) -> str:
    """Return the body of a check with one verdict."""
    verdict = {"name": "queued", "status": "ok", "value": 1, "warn": None, "crit": "9", "text": "x"}
    return json.dumps({"status": "ok", "checks": [verdict | check]})


NO_CHECK = "and not with a check; --url must lead to …/metrics-check"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (503, problem("METRICS_UNAVAILABLE"), (2, "CRITICAL - METRICS_UNAVAILABLE: Why.")),
        (503, problem("METRICS_TIMEOUT"), (2, "CRITICAL - METRICS_TIMEOUT: Why.")),
        (503, problem("METRICS_BUSY"), (3, "UNKNOWN - METRICS_BUSY: Why.")),
        (502, "<h1>Bad Gateway</h1>", (2, f"CRITICAL - answered 502, {NO_CHECK}")),
        (404, "<h1>Not Found</h1>", (3, f"UNKNOWN - answered 404, {NO_CHECK}")),
        (200, "[]", (3, f"UNKNOWN - answered 200, {NO_CHECK}")),
        (200, "7", (3, f"UNKNOWN - answered 200, {NO_CHECK}")),
        (200, "\x00", (3, f"UNKNOWN - answered 200, {NO_CHECK}")),
        (200, judged(status="fine"), (3, f"UNKNOWN - answered 200, {NO_CHECK}")),
        (200, judged(crit="a"), (3, f"UNKNOWN - answered 200, {NO_CHECK}")),
        (200, judged(), (0, "OK - x | queued=1;;9;0")),
        (200, judged(name="a new | one"), (0, "OK - x")),
        (200, judged(value=["odd"], text="a|b\nc"), (0, r"OK - a\u007cb\nc")),
    ],
)
def test_any_answer_has_an_outcome(status: int, body: str, expected: tuple[int, str]) -> None:
    app = Flask("remote")
    app.add_url_rule("/", view_func=lambda: (body, status), endpoint="answer")
    with serving(app) as server:
        exit_status, line = run("--url", server.url("/"))
    assert expected == (exit_status, line.removeprefix("TASKS "))


def test_a_redirection_does_not_get_the_secret() -> None:
    app, asked = Flask("remote"), list[str]()

    @app.get("/<path>")
    def move(path: str) -> Any:
        asked.append(path)
        return redirect("/elsewhere")

    with serving(app) as server:
        status, line = run("--url", server.url("/metrics-check"))
    assert (3, ["metrics-check"]) == (status, asked)
    assert line.startswith("TASKS UNKNOWN - answered 302, and not with a check")


def test_a_remote_app_that_is_not_there_is_critical() -> None:
    status, line = run("--url", UNREACHABLE)
    assert 2 == status
    assert line.startswith("TASKS CRITICAL - no answer: ")
    assert "refused" in line


def test_an_address_that_cannot_be_is_unknown() -> None:
    status, line = run("--url", "http://127.0.0.1:port/")
    assert (3, "TASKS UNKNOWN - no answer: nonnumeric port: 'port'") == (status, line)


def test_an_answer_that_never_ends_is_critical_in_time() -> None:
    app, is_over = Flask("remote"), Event()

    @app.get("/")
    def drip() -> Any:
        def bytes_now_and_then() -> Iterator[bytes]:
            while not is_over.wait(0.05):
                yield b" "

        return bytes_now_and_then()

    with serving(app) as server:
        outcome = run("--url", server.url("/?minutes=5"), "-t", "0.3")
        is_over.set()
    assert (2, "TASKS CRITICAL - no answer within 0.3 s") == outcome


@pytest.mark.slow
@on("sqlite")
def test_the_script_runs_as_cron_runs_it(database_url: str, engine: sa.Engine) -> None:
    add_tasks(engine, failed_now())
    script = Path(sys.executable).parent / "flask-task-metrics-check"
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
    done, broken = (
        subprocess.run(
            [script, "--app", f"{APP}:{function}", "-c", "failed=0"],
            env=coverage | {"DATABASE_URL": database_url},
            cwd=ROOT,
            capture_output=True,
            check=False,
            text=True,
        )
        for function in ("create_app", "exit_at_once")
    )
    line = "TASKS CRITICAL - failed is 1; crit is 0 | failed=1;;0;0\n"
    assert (2, line) == (done.returncode, done.stdout)
    assert (3, "TASKS UNKNOWN") == (broken.returncode, broken.stdout[:13])
