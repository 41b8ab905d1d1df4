"""The demo's processes: the example under gunicorn, and whatever goes wrong with one."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask

from example_app.demo import processes
from example_app.demo.processes import Address, Backend, BackendError
from example_app.shutdown import Shutdown
from tests.support.example import TASK, add_tasks, free_port, http_get
from tests.support.host import SECRET
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Backend]:
    """Yield a backend at whose address something else listens and hangs up on everybody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            listener.accept()[0].close()

        Thread(target=hang_up, daemon=True).start()
        log = tmp_path / "backend.log"
        log.write_text("the last words\n")
        yield Backend(Address(*listener.getsockname()), os.environ, log)


def test_shares_no_connection_between_processes_that_it_forks(
    tasks: Flask, database_url: str, tmp_path: Path
) -> None:
    add_tasks()
    address = Address("127.0.0.1", free_port())
    own = {"DATABASE_URL": database_url, "TASK_METRICS_ADMIN_SECRET": SECRET}

    def snapshot(_: int) -> tuple[int, int]:
        status, answer = http_get(
            address.port, "/api/admin/metrics-snapshot", **{"X-Admin-Secret": SECRET}
        )
        return status, answer.get("tasks", {}).get("queued")

    with (
        Backend(address, os.environ | own, tmp_path / "backend.log") as backend,
        ThreadPoolExecutor(8) as clients,
    ):
        backend.start_server("--preload", "--workers=4")
        backend.wait_until_ready(Shutdown())
        answers = Counter(clients.map(snapshot, range(80)))

    assert {(200, 1): 80} == answers


def test_tells_an_answer_that_was_not_expected(server: Backend) -> None:
    with pytest.raises(BackendError, match="POST /api/video-tasks was answered with 422"):
        server.post("/api/video-tasks", {}, 201)


def test_tells_that_a_post_was_not_answered(stranger: Backend) -> None:
    with pytest.raises(BackendError, match=r"(?s)not answered.*the last words"):
        stranger.post("/api/video-tasks", TASK, 201)


def test_tells_that_the_server_does_not_answer(stranger: Backend) -> None:
    with pytest.raises(BackendError, match="does not answer"):
        stranger.wait_until_ready(Shutdown())


def test_tells_which_process_ended_and_what_it_said(tmp_path: Path) -> None:
    with Backend(Address("127.0.0.1", free_port()), os.environ, tmp_path / "log") as backend:
        backend.start("typo", "example_app.wroker")

        with pytest.raises(BackendError, match=r"(?s)The typo has ended .* 1.*No module named"):
            backend.wait_until_ready(Shutdown())


def test_kills_a_process_that_will_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.1)
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
def test_refuses_a_port_that_cannot_be(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)

    with pytest.raises(BackendError, match="PORT is"):
        Address.from_environment()
