"""The `[METRICS]` log: what a line says, that it stays one line, and where it goes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from enum import Enum
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_task_metrics import InvalidMetricError, TaskMetricsError, emit_metric

from .host import HEADERS, PATH, Base, add_tasks, create_host, current_utc

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ROOT = Path(__file__).parent.parent

HOSTILE = {
    "new line": "a\nb",
    "carriage return": "a\rb",
    "forged line": "a\n[METRICS] task.created requestId=forged",
    "forged field": "a status=200",
    "forged end": 'a" status=200 x="',
    "space": "a b",
    "tab": "a\tb",
    "quotes": 'a"b',
    "equals sign": "a=b",
    "backslash": "a\\nb",
    "null byte": "a\x00b",
    "terminal escape": "a\x1b[31mb",
    "DEL": "a\x7fb",
    "NEL": "a\x85b",
    "no-break space": "a\xa0b",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "right to left": "a\u202eb",
    "zero width": "a\u200bb",
    "byte order mark": "a\ufeffb",
    "private use": "a\ue000b",
    "language tag": "a\U000e0001b",
    "letters": "größe大\N{SNAKE}",
}


class Reason(Enum):
    """Why a task failed, as a host may have it."""

    QUOTA = "quota"


def fields_of(line: str) -> dict[str, str]:
    """The fields of a line, read by rules of this test's own."""
    _, _, rest = line.split(" ", 2)
    pairs = re.findall(r'([^ =]+)=("(?:[^"\\]|\\.)*"|[^ "]+)(?: |\Z)', rest)
    assert rest == " ".join(f"{name}={value}" for name, value in pairs)
    return {name: json.loads(value) if value[0] == '"' else value for name, value in pairs}


def events_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message.split()[1] for message in caplog.messages if message.startswith("[METRICS]")]


@pytest.fixture(autouse=True)
def _listen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "flask_task_metrics")


def test_a_request_is_logged_when_it_is_completed(caplog: pytest.LogCaptureFixture) -> None:
    headers = {"X-Request-Id": "req_1"}
    create_host("sqlite://").test_client().put("/nothing", headers=headers)

    assert re.fullmatch(
        r"\[METRICS\] request\.completed requestId=req_1 method=PUT path=/nothing status=404 "
        r"durationMs=\d+\.\d",
        caplog.messages[0],
    )


@on_sqlite
def test_a_snapshot_is_logged_with_its_figures(
    app: Flask, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    now = current_utc()
    done = {"created_at": now, "processing_at": now, "completed_at": now, "updated_at": now}
    add_tasks(
        engine,
        *({"status": "completed"} | done for _ in range(2)),
        {"status": "failed", "updated_at": now},
        {"status": "queued"},
    )
    client = app.test_client()
    client.get(f"{PATH}?minutes=5", headers=HEADERS | {"X-Request-Id": "req_1"})

    assert re.fullmatch(
        r"\[METRICS\] metrics\.snapshot requestId=req_1 minutes=5 created=2 completed=2 failed=1 "
        r"cancelled=0 processing=0 queued=0 backlogQueued=1 backlogProcessing=0 samples=2 "
        r"durationMs=\d+\.\d",
        caplog.messages[0],
    )


def test_a_line_is_logged_as_information_of_the_package(caplog: pytest.LogCaptureFixture) -> None:
    emit_metric("task.created", taskId=7)

    assert [("flask_task_metrics", 20, "[METRICS] task.created taskId=7")] == caplog.record_tuples


@on_sqlite
@pytest.mark.parametrize(
    ("method", "path", "headers", "events"),
    [
        pytest.param("GET", PATH, HEADERS, ["metrics.snapshot", "request.completed"], id="200"),
        pytest.param("OPTIONS", PATH, {}, ["request.completed"], id="options"),
        pytest.param("GET", PATH, {}, ["admin.unauthorized", "request.completed"], id="401"),
        pytest.param("POST", PATH, {}, ["admin.unauthorized", "request.completed"], id="405/401"),
        pytest.param("POST", PATH, HEADERS, ["request.completed"], id="405"),
        pytest.param("GET", f"{PATH}?minutes=0", HEADERS, ["request.completed"], id="422"),
        pytest.param("GET", "/nothing", {}, ["request.completed"], id="404 of the host"),
        pytest.param("POST", "/static/a", {}, ["request.completed"], id="405 of the host"),
    ],
)
def test_each_kind_of_answer_has_its_events(
    app: Flask,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    headers: dict[str, str],
    events: list[str],
) -> None:
    app.test_client().open(path, method=method, headers=headers)

    assert events == events_of(caplog)


@on_sqlite
def test_a_failed_snapshot_is_logged_with_its_status(
    app: Flask, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    Base.metadata.drop_all(engine)
    app.test_client().get(PATH, headers=HEADERS)

    assert "500" == fields_of(caplog.messages[-1])["status"]


@pytest.mark.parametrize(
    ("log_requests", "path", "events"),
    [
        ("all", "/nothing", ["request.completed"]),
        ("all", PATH, ["admin.unauthorized", "request.completed"]),
        ("blueprint", "/nothing", []),
        ("blueprint", PATH, ["admin.unauthorized", "request.completed"]),
        ("none", "/nothing", []),
        ("none", PATH, ["admin.unauthorized"]),
    ],
)
def test_the_requests_that_are_logged_are_those_configured(
    caplog: pytest.LogCaptureFixture, log_requests: str, path: str, events: list[str]
) -> None:
    create_host("sqlite://", TASK_METRICS_LOG_REQUESTS=log_requests).test_client().get(path)

    assert events == events_of(caplog)


def test_a_path_is_logged_without_its_query(caplog: pytest.LogCaptureFixture) -> None:
    create_host("sqlite://").test_client().get("/nothing?token=opensesame#opensesame")

    assert ("/nothing", False) == (
        fields_of(caplog.messages[0])["path"],
        "opensesame" in caplog.text,
    )


@pytest.mark.parametrize("path", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_path_is_logged_in_one_line(caplog: pytest.LogCaptureFixture, path: str) -> None:
    create_host("sqlite://").test_client().get(f"/{quote(path)}")
    (line,) = caplog.messages

    assert ([line], f"/{path}") == (line.splitlines(), fields_of(line)["path"])


@pytest.mark.parametrize("method", ["G\u2028T", "GET STATUS=200", 'G"T', "G\nT"])
def test_a_hostile_method_is_logged_in_one_line(
    caplog: pytest.LogCaptureFixture, method: str
) -> None:
    client = create_host("sqlite://").test_client()
    client.get("/nothing", environ_overrides={"REQUEST_METHOD": method})
    (line,) = caplog.messages

    assert ([line], method, "404") == (
        line.splitlines(),
        fields_of(line)["method"],
        fields_of(line)["status"],
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("größe大", "größe大", id="letters"),
        pytest.param("a'b,c:d/e%20", "a'b,c:d/e%20", id="punctuation"),
        pytest.param("", '""', id="empty"),
        pytest.param("two words", '"two words"', id="space"),
        pytest.param('say "hi"', r'"say \"hi\""', id="quotes"),
        pytest.param("a=b", '"a=b"', id="equals sign"),
        pytest.param("C:\\temp", r'"C:\\temp"', id="backslash"),
        pytest.param("a\r\n\tb", r'"a\r\n\tb"', id="white space"),
        pytest.param("\x00", r'"\u0000"', id="null byte"),
        pytest.param("\x7f", r'"\u007f"', id="DEL"),
        pytest.param("\x85", r'"\u0085"', id="NEL"),
        pytest.param("\xa0", r'"\u00a0"', id="no-break space"),
        pytest.param("\u2028", r'"\u2028"', id="line separator"),
        pytest.param("\U000e0001", r'"\udb40\udc01"', id="language tag"),
        pytest.param("\ud800", r'"\ud800"', id="lone surrogate"),
        pytest.param("größe\n", r'"größe\n"', id="letters beside a new line"),
        pytest.param("100% %s %d", '"100% %s %d"', id="logging's own placeholders"),
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
        pytest.param(0, "0", id="zero"),
        pytest.param(-1.5, "-1.5", id="float"),
        pytest.param("None", "None", id="the word None"),
        pytest.param(Reason.QUOTA, "Reason.QUOTA", id="Enum member"),
        pytest.param([1, "a"], "\"[1, 'a']\"", id="list"),
    ],
)
def test_a_value_is_written_in_logfmt(
    caplog: pytest.LogCaptureFixture, value: object, written: str
) -> None:
    emit_metric("task.failed", value=value)

    assert [f"[METRICS] task.failed value={written}"] == caplog.messages


def test_any_text_stays_in_one_line_and_reads_back(caplog: pytest.LogCaptureFixture) -> None:
    awkward = st.text(st.sampled_from("".join(HOSTILE.values())))

    @settings(deadline=None)
    @given(before=st.text() | awkward, after=st.text() | awkward)
    def check(before: str, after: str) -> None:
        caplog.clear()
        emit_metric("task.failed", before=before, after=after)
        (line,) = caplog.messages

        assert ([line], {"before": before, "after": after}) == (line.splitlines(), fields_of(line))

    check()


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "[METRICS] task.created"),
        ({"a": None}, "[METRICS] task.created"),
        ({"a": None, "b": 1, "c": None}, "[METRICS] task.created b=1"),
        ({"b": 1, "a": 2}, "[METRICS] task.created b=1 a=2"),
        ({"event": "x", "line": "y"}, "[METRICS] task.created event=x line=y"),
        (
            {"task.id": 1, "task-id": 2, "_id": 3},
            "[METRICS] task.created task.id=1 task-id=2 _id=3",
        ),
    ],
)
def test_the_fields_come_as_they_are_given_but_for_none(
    caplog: pytest.LogCaptureFixture, fields: dict[str, object], line: str
) -> None:
    emit_metric("task.created", **fields)

    assert [line] == caplog.messages


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"taskId": 7}, "[METRICS] task.created requestId=req_1 taskId=7"),
        ({"taskId": 7, "requestId": "own"}, "[METRICS] task.created requestId=own taskId=7"),
        ({"taskId": 7, "requestId": None}, "[METRICS] task.created taskId=7"),
    ],
)
def test_inside_a_request_its_id_comes_first_and_once(
    caplog: pytest.LogCaptureFixture, fields: dict[str, object], line: str
) -> None:
    with create_host("sqlite://").test_request_context(headers={"X-Request-Id": "req_1"}):
        emit_metric("task.created", **fields)

    assert [line] == caplog.messages


def test_in_an_app_without_the_package_there_is_no_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Flask("elsewhere").test_request_context():
        emit_metric("task.created")

    assert ["[METRICS] task.created"] == caplog.messages


NO_NAMES = ["", " ", "a b", "a=b", "a\n", 'a"', "ä", "a\u2028", "=", "[METRICS]"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_an_event_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidMetricError, match=re.escape(f"{name!r} can't name an event")):
        emit_metric(name)


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_field_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidMetricError, match=re.escape(f"{name!r} can't name an event")):
        emit_metric("task.created", **{name: 1})


def test_a_refused_name_leaves_no_line(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidMetricError):
        emit_metric("task.created", **{"a b": None})

    assert [] == caplog.messages


@pytest.mark.parametrize("base", [TaskMetricsError, ValueError])
def test_a_refused_name_is_an_error_of_the_package_and_of_the_value(base: type[Exception]) -> None:
    assert issubclass(InvalidMetricError, base)


TO_STDERR = '{"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}'
DICT_CONFIG = (
    'logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, '
    f'"handlers": {{"stderr": {TO_STDERR}}}, '
    '"root": {"level": "INFO", "handlers": ["stderr"]}})'
)
DISABLING_DICT_CONFIG = DICT_CONFIG.replace("False", "True")
OWN_DICT_CONFIG = (
    f'logging.config.dictConfig({{"version": 1, "handlers": {{"stderr": {TO_STDERR}}}, '
    '"loggers": {"flask_task_metrics": {"level": "INFO", "handlers": ["stderr"]}}})'
)
OTHERS_DICT_CONFIG = (
    'logging.config.dictConfig({"version": 1, "loggers": {"elsewhere": {"level": "INFO"}}})'
)
OWN_HANDLER = "logging.getLogger('flask_task_metrics').addHandler(logging.StreamHandler())"
NULL_HANDLER = "logging.getLogger('flask_task_metrics').addHandler(logging.NullHandler())"
OWN_INFO = "logging.getLogger('flask_task_metrics').setLevel('INFO')"
OWN_WARNING = "logging.getLogger('flask_task_metrics').setLevel('WARNING')"
FLASK_ERROR = "from flask.logging import default_handler; default_handler.setLevel('ERROR')"


def lines_on_stderr(script: str) -> list[str]:
    """The `[METRICS]` lines that a process of its own shows, whose logging is as the script says
    (pytest configures that of this one).
    """
    imports = (
        "import logging, logging.config; from tests.host import *; "
        "from flask_task_metrics import emit_metric"
    )
    process = subprocess.run(
        [sys.executable, "-c", f"{imports}\n{script}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [line for line in process.stderr.splitlines() if "[METRICS]" in line]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        pytest.param("", "", 1, id="nothing"),
        pytest.param("", "app.logger.warning('ready')", 1, id="app.logger in use"),
        pytest.param("", OWN_INFO, 1, id="our level at INFO"),
        pytest.param("", OWN_WARNING, 0, id="our level at WARNING"),
        pytest.param(FLASK_ERROR, "", 0, id="Flask's handler at ERROR"),
        pytest.param("", "logging.disable(logging.INFO)", 0, id="disabled for all"),
        pytest.param("", f"{OWN_INFO}; {OTHERS_DICT_CONFIG}", 0, id="disabled by dictConfig"),
        pytest.param(DISABLING_DICT_CONFIG, "", 1, id="Flask's documented dictConfig"),
        pytest.param("logging.basicConfig(level='INFO')", "", 1, id="basicConfig before"),
        pytest.param("", "logging.basicConfig(level='INFO')", 1, id="basicConfig after"),
        pytest.param("logging.basicConfig()", "", 0, id="basicConfig at WARNING"),
        pytest.param(DICT_CONFIG, "", 1, id="dictConfig before"),
        pytest.param("", DICT_CONFIG, 1, id="dictConfig after"),
        pytest.param(OWN_DICT_CONFIG, "", 1, id="dictConfig of our logger"),
        pytest.param("", f"{OWN_HANDLER}; {OWN_INFO}", 1, id="our handler at INFO"),
        pytest.param(OWN_HANDLER, "", 0, id="our handler at the root's level"),
        pytest.param("", f"{NULL_HANDLER}; {OWN_INFO}", 0, id="our handler is none"),
    ],
)
def test_a_line_shows_once_where_logging_is_configured_to_show_it_or_not_at_all(
    before: str, after: str, shown: int
) -> None:
    lines = lines_on_stderr(
        f"{before}\napp = create_host('sqlite://')\n{after}\napp.test_client().get('/nothing')"
    )

    assert shown == len(lines)


def test_a_line_shows_outside_an_app_as_well() -> None:
    (line,) = lines_on_stderr("emit_metric('task.created', taskId=7)")

    assert line.endswith("INFO in metric_log: [METRICS] task.created taskId=7")


def test_a_line_is_not_shown_again_by_logging_that_is_configured_later() -> None:
    lines = lines_on_stderr(
        "emit_metric('first')\nlogging.basicConfig(level='INFO')\nemit_metric('second')"
    )

    assert ["first", "second"] == [line.split()[-1] for line in lines]
