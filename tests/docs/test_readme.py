"""The README is short, and all that it shows works."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.documented_jobs import FIGURES, add_jobs, figures_of
from tests.support.host import HEADERS, NOW, PATH, add_tasks, dispose_engines, snapshot_of
from tests.support.pages import README, code, table, text
from tests.support.tasks import COMPLETED, FAILED

from .conftest import Import

MAPPING = 1
"""The number of its block."""

PICTURE = "docs/pictures/dashboard-wide-light.png"
"""PyPI shows its text instead, until the repository has an address."""


def test_it_has_at_most_700_words() -> None:
    assert len(text(README).split()) <= 700


def test_it_has_no_link_that_pypi_would_break() -> None:
    assert [PICTURE] == re.findall(r"\]\((?!https://)(.*?)\)", text(README))


def test_the_app_answers_and_the_doctor_finds_nothing(
    folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    app = importlib.import_module("app").create_app()
    runner = app.test_cli_runner()
    assert 0 == runner.invoke(args=["create-tables"]).exit_code
    assert 200 == app.test_client().get(PATH, headers=HEADERS).status_code
    examined = runner.invoke(args=["task-metrics", "doctor"])
    assert 0 == examined.exit_code, examined.output
    dispose_engines(app)


def test_the_mapping_reads_a_table_of_other_names(
    import_shown: Import, folder: Path, engine: sa.Engine
) -> None:
    models = (folder / "models.py").read_text()
    names = {
        "VideoTask": "Job",
        "status": "state",
        "created_at": "inserted_at",
        "processing_at": "started_at",
        "completed_at": "finished_at",
        "error_message": "failure",
    }
    for name, other in names.items():
        models = models.replace(name, other)
    (folder / "models.py").write_text(models)
    source = import_shown(README, MAPPING).source
    table = importlib.import_module("models").Job.__table__
    table.create(engine)
    add_jobs(engine, table, NOW.replace(tzinfo=None))
    assert FIGURES == figures_of(snapshot_of(engine, source))


def keys_in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, keys_in_order(item)) for key, item in value.items()]
    return keys_in_order(value[0]) if isinstance(value, list) else None


def test_the_picture_of_the_answer_has_its_keys_in_their_order(
    app: Flask, engine: sa.Engine
) -> None:
    shown = json.loads(code(README, "json")[0])
    now = {key: sa.func.now() for key in ("created_at", "updated_at")}
    backlog = ({"status": status} | now for status in ("queued", "processing"))
    add_tasks(engine, COMPLETED, FAILED | now, *backlog)
    answer = app.test_client().get(PATH, headers=HEADERS).get_json()
    assert keys_in_order(shown) == keys_in_order(answer)


def test_its_settings_are_in_the_reference_with_the_same_defaults() -> None:
    defaults = {key: default for key, default, _ in table("docs/reference/configuration.md", "key")}
    shown = {key: default for key, default, _ in table(README, "key")}
    assert {key: defaults[key] for key in shown} == shown
