"""The Python of the documentation works, and does what its page says."""

from __future__ import annotations

import importlib
import json
import logging
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa
from flask import Flask

from flask_task_metrics import Snapshot
from tests.support.documented_jobs import FIGURES, add_jobs, figures_of
from tests.support.host import HEADERS, NOW, PATH, create_host, dispose_engines, snapshot_of
from tests.support.pages import PAGES, ROOT, code
from tests.support.tasks import errors_of, measured

from .conftest import Import

SENTRY = "docs/how-to/sentry.md"
"""What it shows changes the whole process, and is tested in one of its own."""

BLOCKS = [(page, number) for page in PAGES for number in range(len(code(page, "python")))]

SEND_TO_SENTRY = """
import json

import sentry_sdk
from sentry_sdk.transport import Transport

from app import create_app, db
from shown_0 import tag_events
from tests.support.host import HEADERS, PATH


class Printing(Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            print(json.dumps(item.payload.json))


sentry_sdk.get_client().transport = Printing()
app = create_app()
tag_events(app)
app.test_client().get(PATH, headers={**HEADERS, "X-Request-Id": "req-1"})
with app.app_context():
    db.engine.dispose()
"""


@pytest.mark.parametrize(("page", "number"), [block for block in BLOCKS if block[0] != SENTRY])
def test_it_can_be_imported(page: str, number: int, import_shown: Import) -> None:
    with_tables(importlib.import_module("app"))
    assert import_shown(page, number)


@pytest.mark.parametrize("page", PAGES)
def test_its_json_is_json(page: str) -> None:
    for block in code(page, "json"):
        json.loads(block)


def with_tables(module: ModuleType) -> Flask:
    """Return a module's app, with the tables of its database."""
    app: Flask = module.create_app()
    with app.app_context():
        module.db.create_all()
    dispose_engines(app)
    return app


def snapshot_of_app() -> Snapshot:
    """Return the snapshot of the README's app."""
    module = importlib.import_module("app")
    app = module.create_app()
    with app.app_context():
        snapshot: Snapshot = module.task_metrics.snapshot()
    dispose_engines(app)
    return snapshot


def test_the_first_tasks_give_the_first_figures(import_shown: Import) -> None:
    with_tables(importlib.import_module("app"))
    import_shown("docs/get-started.md", 0)
    snapshot = snapshot_of_app()
    assert (3, 1) == (snapshot.tasks.created, snapshot.tasks.completed)
    assert 60_000 == measured(snapshot.latency.time_to_processing_ms).p50
    assert 240_000 == measured(snapshot.latency.time_to_complete_ms).p50
    assert ["ENGINE_TIMEOUT"] == [error.code for error in errors_of(snapshot)]
    assert 1 == snapshot.backlog.queued.count


def test_the_mounted_app_answers(import_shown: Import) -> None:
    app = with_tables(import_shown("docs/how-to/mount.md", 0))
    assert 200 == app.test_client().get(PATH, headers=HEADERS).status_code
    dispose_engines(app)


def test_the_mounted_tables_are_read_by_name(import_shown: Import) -> None:
    module = import_shown("docs/how-to/mount.md", 1)
    app = Flask("host")
    app.config.from_prefixed_env()
    module.db.init_app(app)
    module.task_metrics.init_app(app)
    with app.app_context():
        module.db.create_all()
    answers = [
        app.test_client().get(f"{PATH}?source={name}", headers=HEADERS)
        for name in ("videos", "imports")
    ]
    assert ["videos", "imports"] == [answer.get_json()["source"] for answer in answers]
    dispose_engines(app)


def test_the_mapping_reads_its_table(import_shown: Import, database_url: str) -> None:
    module = import_shown("docs/how-to/map-a-table.md", 0)
    engine = sa.create_engine(database_url)
    module.jobs.create(engine)
    add_jobs(engine, module.jobs, NOW)
    assert FIGURES == figures_of(snapshot_of(engine, module.source))
    engine.dispose()


def test_the_mapping_of_numbers_reads_its_table(import_shown: Import, engine: sa.Engine) -> None:
    module = import_shown("docs/how-to/map-a-table.md", 1)
    module.messages.create(engine)
    created = int(NOW.timestamp()) * 10**9
    with engine.begin() as connection:
        message = {"status": 2, "created": created, "started": created, "ended": created + 10**9}
        connection.execute(sa.insert(module.messages), message)
    in_all = snapshot_of(engine, module.source).latency.end_to_end_ms
    assert in_all is not None
    assert 1000 == in_all.p50


def test_the_reading_of_codes_reads_its_messages_alone(import_shown: Import) -> None:
    last_word = import_shown("docs/how-to/map-a-table.md", 2).last_word
    assert ["OOM", None] == [last_word("job died: by OOM"), last_word("ValueError: bad")]


def test_the_function_derives_tasks_from_events(import_shown: Import, engine: sa.Engine) -> None:
    module = import_shown("docs/how-to/map-a-table.md", 3)
    module.metadata.create_all(engine)
    now, long_ago = (NOW - timedelta(minutes=ago) for ago in (1, 600))
    kinds = {1: ["queued", "started", "completed"], 2: ["queued"], 3: ["queued", "started"]}
    with engine.begin() as connection:
        for job, at in ((1, now), (2, long_ago), (3, now)):
            connection.execute(sa.insert(module.jobs).values(id=job))
            for kind in kinds[job]:
                event = {"job_id": job, "kind": kind, "at": at.replace(tzinfo=None)}
                connection.execute(sa.insert(module.events).values(event))
    snapshot = snapshot_of(engine, module.source)
    assert (2, 1) == (snapshot.tasks.created, snapshot.tasks.completed)
    assert (1, 1) == (snapshot.backlog.queued.count, snapshot.backlog.processing.count)
    assert 599 * 60 < (snapshot.backlog.queued.oldest_age_seconds or 0)


def test_the_dimensions_filter_their_table(import_shown: Import) -> None:
    source = import_shown("docs/how-to/breakdowns.md", 0).source
    assert ["request", "traced"] == list(source.dimensions)


def test_the_indexes_end_with_the_column_of_the_dimension(import_shown: Import) -> None:
    model = import_shown("docs/how-to/breakdowns.md", 1).VideoTask
    assert {"request_id"} == {list(index.columns)[-1].name for index in model.__table__.indexes}


def test_the_models_get_the_recommended_indexes(import_shown: Import) -> None:
    model = import_shown("docs/how-to/indexes.md", 0).VideoTask
    assert 3 == len(model.__table__.indexes)


def test_the_view_stores_and_logs_its_request_id(
    import_shown: Import, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "flask_task_metrics")
    module = import_shown("docs/how-to/logs-and-request-ids.md", 0)
    app = with_tables(import_shown("docs/how-to/mount.md", 0))
    app.register_blueprint(module.video_tasks)
    answer = app.test_client().post("/api/video-tasks", headers={"X-Request-Id": "req-1"})
    assert {"id": 1} == answer.get_json()
    assert "[METRICS] task.created requestId=req-1 taskId=1 engine=v2" == caplog.messages[0]
    with app.app_context():
        assert "req-1" == module.db.session.get(module.VideoTask, 1).request_id
        module.db.session.remove()
    dispose_engines(app)


def test_the_handler_writes_request_ids(import_shown: Import) -> None:
    module = import_shown("docs/how-to/logs-and-request-ids.md", 2)
    record = logging.makeLogRecord({"msg": "hello", "levelname": "INFO"})
    module.handler.filter(record)
    assert "INFO - hello" == module.handler.format(record)


def test_the_login_wall_lets_the_snapshot_through_alone(import_shown: Import) -> None:
    app = with_tables(import_shown("docs/how-to/mount.md", 0))
    app.secret_key = "for the session"  # noqa: S105 - the test's own
    import_shown("docs/how-to/login-wall.md", 0).guard(app)
    client = app.test_client()
    assert 200 == client.get(PATH, headers=HEADERS).status_code
    assert 302 == client.get("/").status_code
    with client.session_transaction() as session:
        session["user"] = "ada"
    assert 404 == client.get("/").status_code
    dispose_engines(app)


def test_the_secret_guards_a_view_of_the_hosts(import_shown: Import) -> None:
    app = create_host("sqlite://")
    app.register_blueprint(import_shown("docs/how-to/login-wall.md", 1).admin)
    client = app.test_client()
    assert 401 == client.post("/api/admin/caches/clear").status_code
    assert 204 == client.post("/api/admin/caches/clear", headers=HEADERS).status_code
    dispose_engines(app)


def test_sentry_never_sees_the_secret(folder: Path) -> None:
    (folder / "shown_0.py").write_text(code(SENTRY, "python")[0])
    # Without a table a snapshot is a METRICS_ERROR.
    done = subprocess.run(
        [sys.executable, "-c", SEND_TO_SENTRY],
        env=environment(folder) | {"SENTRY_DSN": "https://key@sentry.invalid/1"},
        capture_output=True,
        check=True,
        text=True,
    )
    sent = [json.loads(line) for line in done.stdout.splitlines()]
    [event] = [item for item in sent if "exception" in item]
    assert "[Filtered]" == event["request"]["headers"]["X-Admin-Secret"]
    assert {"request_id": "req-1"} == event["tags"]
    assert HEADERS["X-Admin-Secret"] not in done.stdout


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a process that imports from a folder, and these tests."""
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}


def test_the_limit_counts_refused_requests_alone(import_shown: Import) -> None:
    page = "docs/how-to/flask-limiter.md"
    app = with_tables(import_shown(page, 0))
    client = app.test_client()
    assert [200] * 7 == [client.get(PATH, headers=HEADERS).status_code for _ in range(7)]
    assert [401] * 5 == [client.get(PATH).status_code for _ in range(5)]
    answer = client.get(PATH).get_json()
    assert json.loads(code(page, "json")[0]) == answer | {
        "requestId": "req_611f1c059a9b4d218f47d07f6f020f91"
    }
    dispose_engines(app)


def test_the_tests_pass(folder: Path) -> None:
    (folder / "test_shown.py").write_text(code("docs/how-to/tests.md", "python")[0])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", folder],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        check=False,
        text=True,
    )
    assert "2 passed" in done.stdout, done.stdout


def test_the_source_of_recent_tasks_leaves_out_old_ones(import_shown: Import) -> None:
    module = import_shown("docs/scaling.md", 2)
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    app = Flask("host")
    app.config.from_prefixed_env()
    module.db.init_app(app)
    module.task_metrics.init_app(app)
    with app.app_context():
        module.db.create_all()
        for age in (timedelta(days=1), timedelta(days=8)):
            task = module.VideoTask(status="queued", created_at=now - age, updated_at=now - age)
            module.db.session.add(task)
        module.db.session.commit()
        assert 1 == module.task_metrics.snapshot().backlog.queued.count
    dispose_engines(app)
