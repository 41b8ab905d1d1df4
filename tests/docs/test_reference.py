"""The reference's tables say what the package does."""

from __future__ import annotations

import re
from dataclasses import fields

from flask_task_metrics import exceptions
from flask_task_metrics.cli.layout import text_of
from flask_task_metrics.cli.report import report_lines
from flask_task_metrics.config import Settings
from flask_task_metrics.doctor.row_checks import CHECKS
from flask_task_metrics.source import code_of_message, error_code
from tests.support.doctor import HEALTHY
from tests.support.pages import table, text
from tests.support.snapshots import SNAPSHOT

COMMANDS = "docs/reference/command-line.md"


def test_the_configuration_has_every_key_with_its_default() -> None:
    defaults = {f"TASK_METRICS_{field.name.upper()}": field.default for field in fields(Settings)}
    shown = {key: default for key, default, _ in table("docs/reference/configuration.md", "key")}
    assert list(defaults) == list(shown)
    assert ["none" if default in (None, ()) else str(default) for default in defaults.values()] == [
        default.split(":")[0] for default in shown.values()
    ]


def test_the_errors_have_every_code() -> None:
    codes = {getattr(error, "problem_code", None) for error in vars(exceptions).values()} - {None}
    shown = {code for _, code, _ in table("docs/reference/errors.md", "status")}
    assert codes | {"METHOD_NOT_ALLOWED"} == shown


def test_the_messages_have_the_codes_that_the_page_says() -> None:
    section = text("docs/figures.md").split("| message | code |", 1)[1].split("\n\n", 1)[0]
    rows = [re.findall(r"`([^`]+)`", row) for row in section.splitlines()[2:]]
    expected = [code for *messages, code in rows[:-1] for _ in messages]
    assert expected == [
        code_of_message(message) for *messages, _ in rows[:-1] for message in messages
    ]
    assert [error_code(None, " ")] == rows[-1]


def test_the_checks_are_those_of_the_doctor_in_its_order() -> None:
    ids = [check.id for check in CHECKS]
    assert ids == [check for check, _ in table(COMMANDS, "check")]


def test_the_sample_report_has_lines_of_the_doctor() -> None:
    lines = {line for line in text(COMMANDS).splitlines() if line.startswith("ok    ")}
    assert lines
    assert set() == lines - set(HEALTHY.splitlines())


def test_the_sample_snapshot_is_what_the_command_prints() -> None:
    report = "\n".join(text_of(line) for line in report_lines(SNAPSHOT, 80, source="videos"))
    assert f"task-metrics snapshot\n{report}\n```" in text(COMMANDS)
