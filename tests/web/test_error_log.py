"""A logged traceback shows where an exception was raised, and lets no row forge a line."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from typing import NoReturn

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import TaskMetrics
from flask_task_metrics.web.error_log import escaped_traceback
from tests.support.databases import on
from tests.support.host import HEADERS, PATH, SECRET, SOURCE, add_tasks, current_utc, view_of_tasks
from tests.support.log import HOSTILE
from tests.support.tasks import failed

FORGED = "\n[METRICS] task.created requestId=forged\r\n\x1b[31m\u2028"
FRAME = r'  File ".*", line \d+, in \w+\n(?:    .*\n)+'


def traceback_of(function: Callable[[], object]) -> str:
    try:
        function()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
        return escaped_traceback(error)
    raise AssertionError


def fail(error: BaseException = ValueError("a\nb")) -> NoReturn:  # noqa: B008 - raised once
    raise error


def fail_from(cause: BaseException | None) -> NoReturn:
    try:
        fail(KeyError("first\n"))
    except KeyError:
        raise RuntimeError("second\n") from cause


def fail_again() -> NoReturn:
    try:
        fail(KeyError("first\n"))
    except KeyError:
        fail(RuntimeError("second\n"))


def test_text_of_an_exception_is_one_line_below_its_frames() -> None:
    pattern = rf"Traceback \(most recent call last\):\n(?:{FRAME}){{2}}ValueError: a\\nb"
    assert re.fullmatch(pattern, traceback_of(fail).replace("^", " "))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_adds_a_line(text: str) -> None:
    plain = traceback_of(lambda: fail(OSError("x")))
    hostile = traceback_of(lambda: fail(OSError(text)))
    assert plain.count("\n") == len(hostile.splitlines()) - 1


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (fail_again, ["KeyError", "During", "RuntimeError"]),
        (lambda: fail_from(ValueError("third\n")), ["ValueError", "The", "RuntimeError"]),
        (lambda: fail_from(None), ["RuntimeError"]),
    ],
    ids=["context", "cause", "none"],
)
def test_exceptions_behind_an_exception_are_shown_first(
    function: Callable[[], object], expected: list[str]
) -> None:
    lines = traceback_of(function).splitlines()
    words = [line.split()[0].strip(":") for line in lines if line[:1].isalpha()]
    assert expected == [word for word in words if word != "Traceback"]


def test_exceptions_that_refer_to_each_other_are_shown_once() -> None:
    first, second = ValueError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    lines = traceback_of(lambda: fail(first)).splitlines()
    assert 1 == lines.count("RuntimeError: second")


def test_an_exception_without_text_is_its_class() -> None:
    assert "KeyError" == traceback_of(lambda: fail(KeyError())).splitlines()[-1]


def test_an_exception_of_a_module_has_its_full_name() -> None:
    error = sa.exc.ArgumentError("no")
    assert traceback_of(lambda: fail(error)).endswith("\nsqlalchemy.exc.ArgumentError: no")


if sys.version_info >= (3, 11):

    def test_notes_are_escaped_too() -> None:
        error = ValueError("no")
        error.add_note(FORGED)
        assert "\\n[METRICS]" in traceback_of(lambda: fail(error)).splitlines()[-1]


@on("sqlite")
def test_a_message_forges_no_line_of_the_log(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    def code_of(message: str) -> NoReturn:
        raise LookupError(message) from ValueError(message)

    add_tasks(engine, failed(f"it broke{FORGED}it", updated_at=current_utc()))
    app = Flask("host")
    app.config.update(TASK_METRICS_ADMIN_SECRET=SECRET)
    TaskMetrics(engine, SOURCE, error_code_of=code_of, app=app)

    assert 500 == app.test_client().get(PATH, headers=HEADERS).status_code
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    shown = logging.Formatter().format(record)
    assert "in code_of" in shown
    assert [] == [line for line in shown.splitlines() if line.startswith("[METRICS]")]
    assert "\x1b" not in shown
    assert record.exc_info is not None
    assert LookupError is record.exc_info[0]


@on("sqlite")
@pytest.mark.parametrize("level", ["ERROR", "CRITICAL"])
def test_a_traceback_is_logged_where_errors_are(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture, level: str
) -> None:
    caplog.set_level(level, "flask_task_metrics")
    app = Flask("host")
    app.config.update(TASK_METRICS_ADMIN_SECRET=SECRET)
    TaskMetrics(engine, view_of_tasks("missing"), app=app)
    assert 500 == app.test_client().get(PATH, headers=HEADERS).status_code
    assert (level == "ERROR") == ("no such table" in caplog.text)
