"""The example's worker does each task once, and loses none."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from example_app import worker
from example_app.app import task_metrics
from example_app.models import VideoTask, db, transition
from example_app.shutdown import Shutdown
from example_app.worker import Worker, claim
from tests.support.example import AT_ONCE, TASK, add_tasks, app_on, in_background, statuses
from tests.support.host import SECRET
from tests.support.tasks import errors_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


def work_on(app: Flask, shutdown: Shutdown, *, speed: float) -> None:
    """Complete tasks until the shutdown."""
    with app.app_context():
        Worker(shutdown, speed=speed, failure_rate=0).run()


def test_completes_what_is_queued(tasks: Flask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "flask_task_metrics")
    add_tasks(2)

    Worker(Shutdown(), speed=AT_ONCE, failure_rate=0).run(drain=True)

    assert {"completed": 2} == statuses()
    assert [
        "task.completed requestId=req-0 taskId=1",
        "task.completed requestId=req-1 taskId=2",
    ] == [line.removeprefix("[METRICS] ").partition(" durationMs")[0] for line in caplog.messages]


def test_a_failure_leads_back_to_the_request(tasks: Flask) -> None:
    [task_id] = add_tasks()

    Worker(Shutdown(), speed=AT_ONCE, failure_rate=1, seed=6).run(drain=True)

    [error] = errors_of(task_metrics.snapshot())
    assert ("RATE_LIMITED", str(task_id), "req-0") == (
        error.code,
        error.sample.task_id,
        error.sample.request_id,
    )


def test_several_do_each_task_once(
    database_url: str, tasks: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flask_task_metrics")
    ids = add_tasks(40)
    together = Barrier(3)

    def work() -> None:
        app = app_on(database_url)
        with app.app_context():
            together.wait()
            Worker(Shutdown(), speed=AT_ONCE, failure_rate=0).run(drain=True)
            db.engine.dispose()

    threads = [Thread(target=work) for _ in range(together.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    done = re.findall(r"task\.completed .*taskId=(\d+)", "\n".join(caplog.messages))
    assert ids == sorted(map(int, done))
    assert {"completed": 40} == statuses()


def test_takes_the_next_task_where_another_was_quicker(database_url: str, tasks: Flask) -> None:
    first, second = add_tasks(2)
    other = sa.create_engine(database_url)

    rivals = [first]

    @sa.event.listens_for(db.engine, "before_cursor_execute")
    def rival_claims(_: object, __: object, statement: str, *___: object) -> None:
        if rivals and statement.startswith("UPDATE"):
            claimed = sa.update(VideoTask).where(VideoTask.id == rivals.pop())
            with other.begin() as connection:
                connection.execute(claimed.values(status="processing"))

    assert (second, TASK["engine"], "req-1") == claim()
    other.dispose()


def test_a_task_cancelled_meanwhile_stays_cancelled(tasks: Flask) -> None:
    cancelled, _ = add_tasks(2)

    with in_background(lambda shutdown: work_on(tasks, shutdown, speed=50)):
        wait_until(lambda: statuses() == {"processing": 1, "queued": 1})
        transition(cancelled, ["processing"], "cancelled")
        wait_until(lambda: statuses() == {"cancelled": 1, "completed": 1})


def test_waits_for_work_and_puts_it_back_at_shutdown(tasks: Flask) -> None:
    with in_background(lambda shutdown: work_on(tasks, shutdown, speed=0.01)):
        add_tasks()
        wait_until(lambda: statuses() == {"processing": 1})

    assert {"queued": 1} == statuses()


def test_sigterm_ends_the_process_and_loses_no_task(database_url: str, tasks: Flask) -> None:
    add_tasks()
    process = subprocess.Popen(
        [sys.executable, "-m", "example_app.worker", "--speed", "0.01"],
        env=os.environ | {"DATABASE_URL": database_url},
    )
    wait_until(lambda: statuses() == {"processing": 1})

    process.send_signal(signal.SIGTERM)

    assert 0 == process.wait(30)
    assert {"queued": 1} == statuses()


def test_is_set_by_the_environment(
    sqlite_url: str, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/api/video-tasks", json=TASK)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("TASK_METRICS_ADMIN_SECRET", SECRET)
    monkeypatch.setenv("VIDEO_WORKER_SPEED", str(AT_ONCE))
    monkeypatch.setenv("VIDEO_WORKER_FAILURE_RATE", "1")
    monkeypatch.setenv("VIDEO_WORKER_SEED", "6")

    worker.main(["--drain"])

    task = client.get("/api/video-tasks/1").get_json()
    assert "RATE_LIMITED - retry in 70 s" == task["errorMessage"]


@pytest.mark.parametrize("option", ["--speed=0", "--speed=fast", "--failure-rate=1.5"])
def test_refuses_a_setting_that_cannot_be(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        worker.main([option])

    assert option.partition("=")[0] in capsys.readouterr().err
