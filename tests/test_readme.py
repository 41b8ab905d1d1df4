"""What the README shows is so."""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import TaskMetrics, exceptions
from flask_task_metrics.config import Settings
from flask_task_metrics.error_codes import code_of_message

from .host import HEADERS, PATH, SECRET, add_tasks, create_host, dispose_engines
from .test_read_only_view import COMPLETED, FAILED

README = (Path(__file__).parent.parent / "README.md").read_text()
MOUNTING, STORING, FILTERING, MAPPING = range(4)
"""The README's Python, in its order."""


def code(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, each cell without its backticks."""
    section = README.split(f"## {heading}\n", 1)[1]
    rows = re.search(r"\|---.*\n((?:\|.*\n)+)", section)
    assert rows
    cells = [row.strip("|").split("|") for row in rows[1].splitlines()]
    return [[cell.replace("`", "").strip() for cell in row] for row in cells]


@pytest.fixture
def module(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    """One of the README's pieces of Python, as a module of a host's."""
    name = f"readme_{request.param}"
    (tmp_path / f"{name}.py").write_text(code("python")[request.param])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'tasks.db'}")
    monkeypatch.setenv("ADMIN_SECRET", SECRET)
    return importlib.import_module(name)


@pytest.mark.parametrize("module", [MOUNTING], indirect=True)
def test_the_app_of_the_readme_answers(module: ModuleType) -> None:
    app = module.create_app()
    assert 200 == app.test_client().get(PATH, headers=HEADERS).status_code
    dispose_engines(app)


@pytest.mark.parametrize("module", [STORING], indirect=True)
def test_the_view_of_the_readme_knows_its_request_id(module: ModuleType) -> None:
    app = create_host("sqlite://")
    app.register_blueprint(module.video_tasks)
    response = app.test_client().post("/api/video-tasks", headers={"X-Request-Id": "req-1"})
    assert {"requestId": "req-1"} == response.get_json()
    dispose_engines(app)


@pytest.mark.parametrize("module", [FILTERING], indirect=True)
def test_the_handler_of_the_readme_writes_request_ids(module: ModuleType) -> None:
    record = module.logging.makeLogRecord({"msg": "hello", "levelname": "INFO"})
    module.handler.filter(record)
    assert "INFO - hello" == module.handler.format(record)


@pytest.mark.parametrize("module", [MAPPING], indirect=True)
def test_the_mapping_of_the_readme_reads_its_table(module: ModuleType, database_url: str) -> None:
    engine = sa.create_engine(database_url)
    module.jobs.create(engine)
    app = Flask("host")
    task_metrics = TaskMetrics(engine, module.source, app=app)
    with app.app_context():
        assert 0 == task_metrics.snapshot().tasks.created
    engine.dispose()


def keys_in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return [(key, keys_in_order(item)) for key, item in value.items()]
    return keys_in_order(value[0]) if isinstance(value, list) else None


def test_the_picture_of_the_answer_has_its_keys_in_their_order(
    app: Flask, engine: sa.Engine
) -> None:
    shown = json.loads(code("json")[0])
    now = {key: sa.func.now() for key in ("created_at", "updated_at")}
    add_tasks(engine, COMPLETED, FAILED | now)
    answer = app.test_client().get(PATH, headers=HEADERS).get_json()
    assert keys_in_order(shown) == keys_in_order(answer)


def test_the_table_of_the_configuration_has_every_key_with_its_default() -> None:
    defaults = {f"TASK_METRICS_{field.name.upper()}": field.default for field in fields(Settings)}
    shown = {key: default for key, default, _ in table("Configuration")}
    assert list(defaults) == list(shown)
    assert [
        str(default or "none") if default != () else "none" for default in defaults.values()
    ] == [default.split(":")[0] for default in shown.values()]


def test_the_table_of_the_errors_has_every_code() -> None:
    codes = {getattr(error, "problem_code", None) for error in vars(exceptions).values()} - {None}
    assert codes | {"METHOD_NOT_ALLOWED"} == {code for _, code, _ in table("Errors")}


def test_the_table_of_error_codes_is_right() -> None:
    section = README.split("| message | code |", 1)[1].split("\n\n", 1)[0]
    rows = [re.findall(r"`([^`]+)`", row) for row in section.splitlines()[2:]]
    expected = [code for *messages, code in rows[:-1] for _ in messages]
    assert expected == [
        code_of_message(message) for *messages, _ in rows[:-1] for message in messages
    ]
