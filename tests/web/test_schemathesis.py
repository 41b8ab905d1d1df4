"""Schemathesis, by all its checks, finds no answer that the OpenAPI document does not describe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.models import db
from flask_task_metrics import TaskSource
from tests.support import example
from tests.support.databases import on
from tests.support.dimensions import (
    Classified,
    classified_table,
    store_classified,
)
from tests.support.host import PATH, SECRET, current_utc, dispose_engines, hosted
from tests.support.openapi import document_of
from tests.support.oracle import TaskRow
from tests.support.serving import serving

pytestmark = [on("sqlite"), pytest.mark.slow]


def run_schemathesis(app: Flask, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run Schemathesis against an app, with the same requests each time."""
    program = Path(sys.executable).with_name("schemathesis")
    file = folder / "openapi.json"
    file.write_text(json.dumps(document_of(app)))
    with serving(app) as server:
        return subprocess.run(
            [
                *(program, "run", file, "--url", server.url()),
                *("--header", f"X-Admin-Secret: {SECRET}", "--checks", "all"),
                *("--generation-deterministic", "--seed", "1", "--max-examples", "8"),
                *("--warnings", "off", "--no-color", *options),
            ],
            cwd=folder,
            capture_output=True,
            check=False,
            text=True,
        )


def test_the_example_answers_as_documented(database_url: str, tmp_path: Path) -> None:
    app = example.init_db(database_url)
    with app.app_context():
        example.add_tasks(3)
        db.session.remove()
    done = run_schemathesis(app, tmp_path)
    dispose_engines(app)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "Tested: 4" in done.stdout


def test_several_sources_with_dimensions_answer_as_documented(
    database_url: str, tmp_path: Path
) -> None:
    table, now = classified_table(), current_utc()
    dimensions: dict[str, Any] = {"engine": "runway", "tier": "PAID", "priority": 7}
    statuses = ("queued", "processing", "completed", "failed")
    tasks: Classified = [
        (TaskRow(number, status, now, now, now, now, "TIMEOUT: 31 s"), dimensions)
        for number, status in enumerate(statuses, 1)
    ]
    engine = sa.create_engine(database_url)
    store_classified(engine, table, tasks)
    engine.dispose()
    source = TaskSource(table, dimensions=("engine", "tier", "priority"))
    with hosted(database_url, {"videos": source, "imports": source}) as app:
        done = run_schemathesis(app, tmp_path, "--include-path", PATH)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "Tested: 1" in done.stdout
