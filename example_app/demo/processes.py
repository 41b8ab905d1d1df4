"""The processes of the backend: a gunicorn server and workers, as child processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any

from example_app.shutdown import Shutdown

GUNICORN_CONFIG = Path(__file__).parents[1] / "gunicorn.conf.py"
STOP_SECONDS = 15
ANSWER_SECONDS = 30
LOG_LINES = 20


class BackendError(Exception):
    """The backend can't start, or one of its processes ended or does not answer."""


@dataclass(frozen=True)
class Address:
    """The host and port that the server listens on."""

    host: str
    port: int

    @classmethod
    def from_environment(cls) -> Address:
        """Read HOST and PORT from the environment; the defaults are 127.0.0.1 and 8000.

        Raises `BackendError` for an invalid PORT.
        """
        port = os.environ.get("PORT", "8000")
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            raise BackendError(f"PORT is {port!r}; it must be a number, 1 to 65535")
        return cls(os.environ.get("HOST", "127.0.0.1"), int(port))

    @property
    def url(self) -> str:
        """Return the URL of the server's root."""
        return f"http://{self.host}:{self.port}"

    def check_free(self) -> None:
        """Raise `BackendError` if the address is taken or can't be listened on."""
        with socket.socket() as probe:
            # Like gunicorn, ignore connections in TIME_WAIT, which a server leaves when it ends.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise BackendError(
                    f"Can't listen on {self.host}:{self.port}: {error.strerror}. "
                    f"Choose another port, for example: PORT={self.port + 1} make demo"
                ) from error


class Backend:
    """Run gunicorn and workers as child processes with one log; end them when the `with` block
    ends.
    """

    def __init__(self, address: Address, environment: Mapping[str, str], log: Path) -> None:
        self.address = address
        self._environment = {
            **environment,
            "HOST": address.host,
            "PORT": str(address.port),
        }
        self._log = log
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Backend:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def start_server(self, *options: str) -> None:
        """Start gunicorn with the example's configuration, and options that override it."""
        self.start("server", "gunicorn", "--config", str(GUNICORN_CONFIG), *options)

    def start_workers(self, count: int) -> None:
        """Start `count` workers, which have an incident now and then."""
        for number in range(1, count + 1):
            self.start(f"worker {number}", "example_app.demo.incidents")

    def start(self, name: str, module: str, *options: str) -> None:
        """Start a Python module as one of the backend's processes."""
        with self._log.open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", module, *options],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # In its own session a child does not get the terminal's Ctrl-C; the parent ends it.
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise `BackendError`, with the end of the log, if a process has ended."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise self._error(f"The {name} has ended with exit code {process.returncode}")

    def wait_until_ready(self, shutdown: Shutdown) -> None:
        """Wait until the server answers or shutdown is requested."""
        while not shutdown.requested:
            self.check()
            try:
                self._send("GET", "/api/video-tasks?perPage=1", None)
            except ConnectionRefusedError:
                shutdown.wait(0.1)
            except (OSError, HTTPException) as error:
                raise self._error(f"The server does not answer ({error!r})") from error
            else:
                return

    def post(self, path: str, body: Mapping[str, str], *expected: int) -> Any:
        """POST a JSON body, and return the JSON of the answer.

        Raises `BackendError` for a status other than the expected ones, and for no answer.
        """
        try:
            status, answer = self._send("POST", path, json.dumps(body))
        except (OSError, HTTPException) as error:
            raise self._error(f"POST {path} was not answered ({error!r})") from error
        if status not in expected:
            raise self._error(f"POST {path} was answered with {status}: {answer}")
        return json.loads(answer)

    def _send(self, method: str, path: str, body: str | None) -> tuple[int, str]:
        address = self.address
        with closing(HTTPConnection(address.host, address.port, ANSWER_SECONDS)) as connection:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read().decode()

    def _error(self, what: str) -> BackendError:
        lines = self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return BackendError("\n".join((f"{what}. The end of its log:", *lines)))

    def _stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            _await_end(process)


def _await_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
