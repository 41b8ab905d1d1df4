"""The demo works with the built wheel alone; so this module needs no other one of the tests."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from importlib.util import find_spec
from typing import Any

import pytest

from example_app.demo.processes import Address

pytestmark = pytest.mark.slow


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def ask(port: int, secret: str, path: str) -> tuple[int, str]:
    """Ask an endpoint, and return the status and the text of the answer."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", f"/api/admin/{path}", headers={"X-Admin-Secret": secret})
        response = connection.getresponse()
        return response.status, response.read().decode()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_shows_a_full_snapshot_and_ends_cleanly(ending: signal.Signals) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "example_app.demo"],
        env=os.environ | {"HOST": "127.0.0.1", "PORT": str(port)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    [secret] = next(
        re.findall(r"secret of this run is (\S+)", line)
        for line in process.stdout
        if "secret of this run" in line
    )

    status, body = ask(port, secret, "metrics-snapshot?minutes=1440")
    scrape = ask(port, secret, "metrics")
    page = ask(port, "", "metrics-dashboard")
    [script] = re.findall(r"metrics-dashboard/\w+/main.js", page[1])
    assert (200, 200) == (page[0], ask(port, "", script)[0])
    process.send_signal(ending)
    process.communicate(timeout=30)

    snapshot: dict[str, Any] = json.loads(body)
    assert (200, 5) == (status, len(snapshot["topErrors"]))
    assert all(latency["samples"] > 2000 for latency in snapshot["latency"].values())
    has_extra = find_spec("prometheus_client") is not None
    expected = "task_metrics_info" if has_extra else "pip install 'flask-task-metrics[prometheus]'"
    assert (200 if has_extra else 501) == scrape[0]
    assert expected in scrape[1]
    assert 0 == process.returncode
    Address("127.0.0.1", port).check_free()
