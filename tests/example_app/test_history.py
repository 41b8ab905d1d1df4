"""The demo's history: a day of tasks, and its log."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app.app import task_metrics
from example_app.demo import history_log
from example_app.demo.history import TASKS, insert_last_day, last_day
from example_app.models import VideoTask, db, utc_now
from example_app.shutdown import Shutdown
from example_app.worker import Worker
from tests.support.example import AT_ONCE, NOW, TASK

pytestmark = pytest.mark.slow


def without_chance(line: str) -> str:
    """Return a log line without the numbers that differ from run to run."""
    return re.sub(r"(durationMs=[\d.]+|req_\w{32})", "", line)


def logged(line: str) -> tuple[datetime, str]:
    """Return the UTC time of a log line, and its event."""
    local, event = re.findall(r"\[(.*?)\] INFO in metric_log: \[METRICS\] (\S+)", line)[0]
    moment = datetime.strptime(local, "%Y-%m-%d %H:%M:%S,%f").astimezone(timezone.utc)
    return moment.replace(tzinfo=None), event


def test_is_the_same_again_for_the_same_seed() -> None:
    assert last_day(NOW, Random(1)) == last_day(NOW, Random(1))


def test_is_of_the_last_24_hours_the_oldest_first() -> None:
    created = [task["created_at"] for task in last_day(NOW, Random(1))]

    assert created == sorted(created)
    assert NOW - timedelta(days=1) < created[0]
    assert NOW >= created[-1]


def test_is_busier_by_day_than_by_night() -> None:
    hours = Counter(task["created_at"].hour for task in last_day(NOW, Random(1)))

    assert hours[16] > 2 * hours[4]


def test_is_what_a_snapshot_then_counts(tasks: Flask) -> None:
    now = utc_now()
    expected = Counter(task["status"] for task in last_day(now, Random(1)))

    assert TASKS == len(insert_last_day(now, Random(1)))

    counts = task_metrics.snapshot(1440, now=now.replace(tzinfo=timezone.utc)).tasks
    for status in ("completed", "failed", "cancelled", "queued"):
        assert expected[status] == getattr(counts, status)
    assert pytest.approx(0.05, abs=0.015) == counts.failed / TASKS


def test_is_in_the_log_at_its_own_moments(tmp_path: Path) -> None:
    log = tmp_path / "backend.log"
    created, began, ended = (NOW + timedelta(seconds=seconds) for seconds in (0.5, 2, 4.5))
    queued = VideoTask(id=18, status="queued", created_at=began)
    failed = VideoTask(
        id=17, status="failed", created_at=created, processing_at=began, updated_at=ended
    )

    history_log.write_log(log, [queued, failed], Random(1))

    expected = [
        (created, "task.created"),
        (created, "request.completed"),
        (began, "task.created"),
        (began, "request.completed"),
        (ended, "task.failed"),
    ]
    assert expected == [logged(line) for line in log.read_text().splitlines()]


def test_has_lines_like_those_of_tasks_that_did_happen(
    client: FlaskClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flask_task_metrics")
    log = tmp_path / "backend.log"
    tasks = []
    for ending in ("completed", "failed", "cancelled"):
        task_id = client.post("/api/video-tasks", json=TASK).get_json()["id"]
        if ending == "cancelled":
            client.post(f"/api/video-tasks/{task_id}/cancel")
        else:
            with client.application.app_context():
                rate = float(ending == "failed")
                Worker(Shutdown(), speed=AT_ONCE, failure_rate=rate, seed=6).run(drain=True)
        with client.application.app_context():
            tasks.append(db.session.query(VideoTask).filter_by(id=task_id).one())
    happened = caplog.messages.copy()

    history_log.write_log(log, tasks, Random(1))

    written = [line[line.index("[METRICS]") :] for line in log.read_text().splitlines()]
    assert [without_chance(line) for line in happened] == [without_chance(line) for line in written]
