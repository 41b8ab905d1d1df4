"""The example backend: its API, its worker, its history, and the commands that run it all."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from tempfile import gettempdir
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from example_app import backend as backend_module
from example_app import create_app, demo, evidence, worker
from example_app.app import task_metrics
from example_app.backend import Address, Backend, BackendError
from example_app.history import TASKS, last_day, seed_if_empty
from example_app.models import Base, VideoTask, db, transition, utc_now
from example_app.shell import EvidenceError, Shell
from example_app.shutdown import Shutdown
from example_app.worker import Worker, claim

SECRET = "correct horse battery staple"  # noqa: S105 - the tests' own
TASK = {"engine": "cinema-1", "prompt": "A lighthouse in a storm"}
NOW = datetime(2026, 1, 30, 10, 0)  # noqa: DTZ001 - the columns are naive
AT_ONCE = 1e9
"""A worker's speed at which a task takes no time."""


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def app_on(database_url: str) -> Flask:
    return create_app(
        {"SQLALCHEMY_DATABASE_URI": database_url, "TASK_METRICS_ADMIN_SECRET": SECRET}
    )


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'video-tasks.db'}"


@pytest.fixture
def client(sqlite_url: str) -> Iterator[FlaskClient]:
    app = app_on(sqlite_url)
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def tasks(database_url: str) -> Iterator[Flask]:
    """The app's context, on a new database of each kind."""
    app = app_on(database_url)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def add_tasks(count: int = 1) -> list[int]:
    added = [VideoTask(**TASK, request_id=f"req-{number}") for number in range(count)]
    db.session.add_all(added)
    db.session.commit()
    return [task.id for task in added]


def statuses() -> dict[str, int]:
    with db.engine.connect() as connection:
        return Counter(connection.scalars(sa.select(VideoTask.status)))


@contextmanager
def in_background(work: Callable[[Shutdown], None]) -> Iterator[None]:
    """Work goes on while the block runs, and is shut down at its end."""
    shutdown = Shutdown()
    thread = Thread(target=work, args=(shutdown,))
    thread.start()
    try:
        yield
    finally:
        shutdown.request()
        thread.join()


def work_on(app: Flask, shutdown: Shutdown, *, speed: float) -> None:
    with app.app_context():
        Worker(shutdown, speed=speed, failure_rate=0).run()


class TestCreate:
    def test_answers_with_the_task_and_where_it_is(self, client: FlaskClient) -> None:
        response = client.post("/api/video-tasks", json=TASK)

        assert 201 == response.status_code
        assert "queued" == response.json["status"]  # type: ignore[index]  # it is a JSON object
        assert response.json == client.get(response.headers["Location"]).json

    def test_remembers_the_request_that_created_the_task(self, client: FlaskClient) -> None:
        headers = {"X-Request-Id": "from-the-client"}

        created = client.post("/api/video-tasks", json=TASK, headers=headers).get_json()

        assert "from-the-client" == created["requestId"]

    def test_logs_task_created(self, client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", "flask_task_metrics")
        headers = {"X-Request-Id": "from-the-client"}

        client.post("/api/video-tasks", json=TASK, headers=headers)

        expected = "[METRICS] task.created requestId=from-the-client taskId=1 engine=cinema-1"
        assert expected == caplog.messages[0]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "engine"),
            ({**TASK, "engine": "steam"}, "engine"),
            ({**TASK, "prompt": ""}, "prompt"),
            ({**TASK, "prompt": "x" * 2001}, "prompt"),
            ({**TASK, "prompt": "\0"}, "prompt"),
            ({**TASK, "prompt": "\ud800"}, "prompt"),
            ({**TASK, "status": "completed"}, "status"),
            ([TASK], "_schema"),
        ],
    )
    def test_names_the_field_that_is_wrong(
        self, client: FlaskClient, body: object, field: str
    ) -> None:
        response = client.post("/api/video-tasks", json=body)

        assert 422 == response.status_code
        assert field in response.get_json()["errors"]

    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [
            ("{", "application/json", 400),
            ("engine=cinema-1", "application/x-www-form-urlencoded", 415),
            (json.dumps({**TASK, "prompt": "x" * 100_000}), "application/json", 413),
        ],
    )
    def test_answers_what_is_no_json_as_json(
        self, client: FlaskClient, body: str, content_type: str, status: int
    ) -> None:
        response = client.post("/api/video-tasks", data=body, content_type=content_type)

        assert status == response.status_code
        assert status == response.get_json()["status"]


class TestGet:
    @pytest.mark.parametrize("path", ["/api/video-tasks/1", "/api/video-tasks/99999999999", "/"])
    def test_what_is_not_there_is_404(self, client: FlaskClient, path: str) -> None:
        response = client.get(path)

        assert 404 == response.status_code
        assert "Not Found" == response.get_json()["error"]

    def test_a_page_holds_the_youngest_tasks_and_the_total(self, client: FlaskClient) -> None:
        for _ in range(3):
            client.post("/api/video-tasks", json=TASK)

        page = client.get("/api/video-tasks?page=1&perPage=2").get_json()

        assert [3, 2] == [task["id"] for task in page.pop("items")]
        assert {"page": 1, "perPage": 2, "total": 3} == page

    def test_a_page_behind_the_last_one_is_empty(self, client: FlaskClient) -> None:
        page = client.get("/api/video-tasks?page=7").get_json()

        assert {"items": [], "page": 7, "perPage": 20, "total": 0} == page

    @pytest.mark.parametrize("query", ["page=0", "page=x", "perPage=101", "per_page=2"])
    def test_a_page_that_cannot_be_is_422(self, client: FlaskClient, query: str) -> None:
        response = client.get(f"/api/video-tasks?{query}")

        assert 422 == response.status_code
        assert [query.partition("=")[0]] == list(response.get_json()["errors"])

    def test_another_method_is_405_and_says_which_there_are(self, client: FlaskClient) -> None:
        response = client.delete("/api/video-tasks/1")

        assert 405 == response.status_code
        assert "GET" in response.headers["Allow"]

    def test_a_lost_table_is_a_500_without_its_reason(self, client: FlaskClient) -> None:
        with client.application.app_context():
            db.drop_all()

        response = client.get("/api/video-tasks")

        assert 500 == response.status_code
        assert "video_tasks" not in response.text


class TestCancel:
    def test_cancels_a_task_that_waits(
        self, client: FlaskClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO", "flask_task_metrics")
        client.post("/api/video-tasks", json=TASK)
        caplog.clear()

        response = client.post("/api/video-tasks/1/cancel", headers={"X-Request-Id": "mine"})

        assert "cancelled" == response.get_json()["status"]
        assert "[METRICS] task.cancelled requestId=mine taskId=1" == caplog.messages[0]

    def test_a_finished_task_stays_as_it_is(self, client: FlaskClient) -> None:
        client.post("/api/video-tasks", json=TASK)
        client.post("/api/video-tasks/1/cancel")

        response = client.post("/api/video-tasks/1/cancel")

        assert 409 == response.status_code
        assert "The task is cancelled already." == response.get_json()["detail"]

    def test_what_is_not_there_is_404(self, client: FlaskClient) -> None:
        assert 404 == client.post("/api/video-tasks/1/cancel").status_code


class TestTables:
    def test_are_made_once_where_two_processes_start_at_once(self, database_url: str) -> None:
        other = sa.create_engine(database_url)

        @sa.event.listens_for(VideoTask.__table__, "before_create", once=True)
        def other_process_is_quicker(*_: object, **__: object) -> None:
            Base.metadata.create_all(other)

        app = app_on(database_url)

        assert ["video_tasks"] == sa.inspect(other).get_table_names()
        other.dispose()
        with app.app_context():
            db.engine.dispose()

    def test_an_error_in_making_them_is_not_hidden(self, tmp_path: Path) -> None:
        with pytest.raises(OperationalError):
            app_on(f"sqlite:///{tmp_path / 'missing' / 'video-tasks.db'}")

    def test_keep_microseconds_and_every_character(self, tasks: Flask) -> None:
        moment = NOW.replace(microsecond=123456)
        db.session.add(VideoTask(engine="cinema-1", prompt="ein Wal \N{WHALE}", created_at=moment))
        db.session.commit()

        stored = db.session.execute(sa.select(VideoTask.created_at, VideoTask.prompt)).one()

        assert (moment, "ein Wal \N{WHALE}") == tuple(stored)


class TestWorker:
    def test_completes_what_is_queued(self, tasks: Flask, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", "flask_task_metrics")
        add_tasks(2)

        Worker(Shutdown(), speed=AT_ONCE, failure_rate=0).run(drain=True)

        assert {"completed": 2} == statuses()
        assert [
            "task.completed requestId=req-0 taskId=1",
            "task.completed requestId=req-1 taskId=2",
        ] == [
            line.removeprefix("[METRICS] ").partition(" durationMs")[0] for line in caplog.messages
        ]

    def test_a_failure_leads_back_to_the_request(self, tasks: Flask) -> None:
        [task_id] = add_tasks()

        Worker(Shutdown(), speed=AT_ONCE, failure_rate=1, seed=6).run(drain=True)

        [error] = task_metrics.snapshot().top_errors
        assert ("RATE_LIMITED", str(task_id), "req-0") == (
            error.code,
            error.sample.task_id,
            error.sample.request_id,
        )

    def test_several_do_each_task_once(
        self, database_url: str, tasks: Flask, caplog: pytest.LogCaptureFixture
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

    def test_takes_the_next_task_where_another_was_quicker(
        self, database_url: str, tasks: Flask
    ) -> None:
        first, second = add_tasks(2)
        other = sa.create_engine(database_url)

        rivals = [first]

        @sa.event.listens_for(db.engine, "before_cursor_execute")
        def rival_claims(_: object, __: object, statement: str, *___: object) -> None:
            if rivals and statement.startswith("UPDATE"):
                claimed = sa.update(VideoTask).where(VideoTask.id == rivals.pop())
                with other.begin() as connection:
                    connection.execute(claimed.values(status="processing"))

        assert (second, "req-1") == claim()
        other.dispose()

    def test_a_task_cancelled_meanwhile_stays_cancelled(self, tasks: Flask) -> None:
        cancelled, _ = add_tasks(2)

        with in_background(lambda shutdown: work_on(tasks, shutdown, speed=50)):
            wait_until(lambda: statuses() == {"processing": 1, "queued": 1})
            transition(cancelled, ["processing"], "cancelled")
            wait_until(lambda: statuses() == {"cancelled": 1, "completed": 1})

    def test_waits_for_work_and_puts_it_back_at_shutdown(self, tasks: Flask) -> None:
        with in_background(lambda shutdown: work_on(tasks, shutdown, speed=0.01)):
            add_tasks()
            wait_until(lambda: statuses() == {"processing": 1})

        assert {"queued": 1} == statuses()

    def test_sigterm_ends_the_process_and_loses_no_task(
        self, database_url: str, tasks: Flask
    ) -> None:
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
        self, sqlite_url: str, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
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
    def test_refuses_a_setting_that_cannot_be(
        self, option: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            worker.main([option])

        assert option.partition("=")[0] in capsys.readouterr().err


class TestHistory:
    def test_is_the_same_again_for_the_same_seed(self) -> None:
        assert last_day(NOW, Random(1)) == last_day(NOW, Random(1))

    def test_is_of_the_last_24_hours_the_oldest_first(self) -> None:
        created = [task["created_at"] for task in last_day(NOW, Random(1))]

        assert created == sorted(created)
        assert NOW - timedelta(days=1) < created[0]
        assert NOW >= created[-1]

    def test_is_busier_by_day_than_by_night(self) -> None:
        hours = Counter(task["created_at"].hour for task in last_day(NOW, Random(1)))

        assert hours[16] > 2 * hours[4]

    def test_is_what_a_snapshot_then_counts(self, tasks: Flask) -> None:
        now = utc_now()
        expected = Counter(task["status"] for task in last_day(now, Random(1)))

        assert TASKS == seed_if_empty(now, Random(1))

        counts = task_metrics.snapshot(1440, now=now.replace(tzinfo=timezone.utc)).tasks
        for status in ("completed", "failed", "cancelled", "queued"):
            assert expected[status] == getattr(counts, status)
        assert pytest.approx(0.05, abs=0.015) == counts.failed / TASKS

    def test_leaves_a_table_with_tasks_as_it_is(self, tasks: Flask) -> None:
        add_tasks()

        assert 0 == seed_if_empty(NOW, Random(1))
        assert {"queued": 1} == statuses()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The example under gunicorn, without a worker."""
    folder = tmp_path_factory.mktemp("server")
    address = Address("127.0.0.1", free_port())
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{folder / 'video-tasks.db'}"}
    with Backend(address, environment, folder / "backend.log") as backend:
        backend.start_server()
        backend.wait_until_ready(Shutdown())
        yield backend


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Backend]:
    """A backend at whose address something else listens, which hangs up on everybody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            listener.accept()[0].close()

        Thread(target=hang_up, daemon=True).start()
        log = tmp_path / "backend.log"
        log.write_text("the last words\n")
        yield Backend(Address(*listener.getsockname()), os.environ, log)


class TestBackend:
    def test_tells_an_answer_that_was_not_expected(self, server: Backend) -> None:
        with pytest.raises(BackendError, match="POST /api/video-tasks was answered with 422"):
            server.post("/api/video-tasks", {}, 201)

    def test_tells_that_a_post_was_not_answered(self, stranger: Backend) -> None:
        with pytest.raises(BackendError, match=r"(?s)not answered.*the last words"):
            stranger.post("/api/video-tasks", TASK, 201)

    def test_tells_that_the_server_does_not_answer(self, stranger: Backend) -> None:
        with pytest.raises(BackendError, match="does not answer"):
            stranger.wait_until_ready(Shutdown())

    def test_tells_which_process_ended_and_what_it_said(self, tmp_path: Path) -> None:
        with Backend(Address("127.0.0.1", free_port()), os.environ, tmp_path / "log") as backend:
            backend.start("typo", "example_app.wroker")

            with pytest.raises(BackendError, match=r"(?s)The typo has ended .* 1.*No module named"):
                backend.wait_until_ready(Shutdown())

    def test_kills_a_process_that_will_not_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(backend_module, "STOP_SECONDS", 0.1)
        (tmp_path / "stubborn.py").write_text(
            "import os, signal, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "print(os.getpid(), flush=True)\n"
            "time.sleep(60)\n"
        )
        log = tmp_path / "log"
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}

        with Backend(Address("127.0.0.1", free_port()), environment, log) as backend:
            backend.start("stubborn one", "stubborn")
            wait_until(lambda: log.read_text().endswith("\n"))

        with pytest.raises(ProcessLookupError):
            os.kill(int(log.read_text()), 0)

    @pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "٨", ""])
    def test_refuses_a_port_that_cannot_be(
        self, port: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PORT", port)

        with pytest.raises(BackendError, match="PORT is"):
            Address.from_environment()


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A free port, which PORT names."""
    port = free_port()
    monkeypatch.setenv("PORT", str(port))
    monkeypatch.delenv("HOST", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return port


def http_get(port: int, path: str, **headers: str) -> tuple[int, Any]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, json.load(response)


def total_tasks(server: Backend) -> int:
    total: int = http_get(server.address.port, "/api/video-tasks")[1]["total"]
    return total


class TestDemo:
    @pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
    def test_shows_a_full_snapshot_and_ends_cleanly(
        self, port: int, ending: signal.Signals
    ) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "example_app.demo"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        [secret] = next(
            re.findall(r"secret of this run is (\S+)", line)
            for line in process.stdout
            if "secret of this run" in line
        )

        status, snapshot = http_get(
            port, "/api/admin/metrics-snapshot?minutes=1440", **{"X-Admin-Secret": secret}
        )
        process.send_signal(ending)
        process.communicate(timeout=30)

        assert (200, 5) == (status, len(snapshot["topErrors"]))
        assert all(latency["samples"] > 2000 for latency in snapshot["latency"].values())
        assert 0 == process.returncode
        Address("127.0.0.1", port).check_free()

    def test_starts_nothing_where_the_port_is_taken(
        self, port: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with socket.create_server(("127.0.0.1", port)):
            assert 1 == demo.main()

        output = capsys.readouterr()
        assert "" == output.out
        assert f"PORT={port + 1} make demo" in output.err

    def test_prints_commands_to_paste_that_work(
        self, port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        printed = ""

        def is_complete() -> bool:
            nonlocal printed
            printed += capsys.readouterr().out
            return "tail -f" in printed

        with in_background(lambda shutdown: demo.run(tmp_path, shutdown)):
            wait_until(is_complete)
            commands = re.findall(r"^  (curl (?:.*\\\n)?.*)$", printed, re.MULTILINE)
            answers = [
                subprocess.check_output(["sh", "-c", command], text=True) for command in commands
            ]

        expected = ['"minutes": 60', '"minutes": 1440', "401 UNAUTHORIZED", "201 CREATED"]
        assert expected == [
            part for part, answer in zip(expected, answers, strict=True) if part in answer
        ]

    def test_can_be_ended_before_the_server_answers(
        self, port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutdown = Shutdown()
        shutdown.request()

        demo.run(tmp_path, shutdown)

        assert "curl" not in capsys.readouterr().out
        Address("127.0.0.1", port).check_free()

    def test_adds_no_past_to_a_database_that_has_tasks(
        self,
        port: int,
        sqlite_url: str,
        client: FlaskClient,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", sqlite_url)
        client.post("/api/video-tasks", json=TASK)
        shutdown = Shutdown()
        shutdown.request()

        demo.run(tmp_path, shutdown)

        assert "The table has tasks already" in capsys.readouterr().out
        assert 1 == client.get("/api/video-tasks").get_json()["total"]

    @pytest.mark.parametrize("url", ["nonsense", "sqlite:////missing/tasks.db", "db2+missing://"])
    def test_tells_why_a_database_cannot_be_used(
        self,
        port: int,
        url: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", url)

        assert 1 == demo.main()
        assert capsys.readouterr().err.startswith("DATABASE_URL can't be used: ")

    def test_new_tasks_come_in_now_and_then(self, server: Backend) -> None:
        in_two_seconds = next(
            seed
            for seed in range(10_000)
            for rng in [Random(seed)]
            if rng.random() >= demo.TASKS_PER_SECOND > rng.random()
        )
        before = total_tasks(server)

        with in_background(lambda shutdown: demo.trickle(server, shutdown, Random(in_two_seconds))):
            wait_until(lambda: total_tasks(server) > before)

    def test_a_few_of_the_new_tasks_are_cancelled(self, server: Backend) -> None:
        rng = Random(1)

        for _ in range(100):
            demo.create_task(server, rng)

        _, page = http_get(server.address.port, "/api/video-tasks?perPage=100")
        cancelled = [task for task in page["items"] if task["status"] == "cancelled"]
        assert 0 < len(cancelled) < 20


class TestEvidence:
    def test_is_written_from_a_real_run(self, port: int, tmp_path: Path) -> None:
        path = tmp_path / "evidence.md"

        subprocess.check_call([sys.executable, "-m", "example_app.evidence", str(path)])

        page = path.read_text()
        [task_id] = re.findall(r"the POST that created task (\d+),", page)
        assert f'"taskId": "{task_id}"' in page
        assert str(Path(sys.executable).parent) not in page
        assert gettempdir() not in page

    def test_is_not_written_where_the_port_is_taken(
        self, port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "evidence.md"

        with socket.create_server(("127.0.0.1", port)):
            assert 1 == evidence.main([str(path)])

        assert not path.exists()
        assert f"Can't listen on 127.0.0.1:{port}" in capsys.readouterr().err

    def test_is_refused_where_a_command_fails(self, tmp_path: Path) -> None:
        with pytest.raises(EvidenceError, match="ended with 3: alas"):
            Shell(tmp_path, os.environ, "").run("echo alas >&2; exit 3")

    def test_is_refused_where_something_expected_is_missing(self, tmp_path: Path) -> None:
        shown = Shell(tmp_path, os.environ, "").run("echo nothing")

        with pytest.raises(EvidenceError, match="'500' is missing"):
            shown.expect("nothing", "500")
