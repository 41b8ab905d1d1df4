"""A terminal: standard output that is one, and processes that run in one."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from threading import Thread

import pytest

from tests.support.pages import ROOT
from tests.support.waiting import wait_until

ENVIRONMENT = {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

TAKE_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
"""Lets a Ctrl-C in the terminal interrupt the process."""


class Terminal:
    """The far end of a terminal, and all that was written to it."""

    def __init__(self) -> None:
        self._keys, self.end = pty.openpty()
        # As the lines are written, not with a carriage return before each new line.
        flags = termios.tcgetattr(self.end)
        flags[1] &= ~termios.OPOST
        termios.tcsetattr(self.end, termios.TCSANOW, flags)
        self._seen = bytearray()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while read := os.read(self._keys, 4096):
                self._seen += read
        except OSError:
            """Nobody has the other end open any more."""

    @property
    def raw(self) -> str:
        """Return all that was written until now."""
        return self._seen.decode(errors="replace")

    def press(self, keys: bytes) -> None:
        """Type keys."""
        os.write(self._keys, keys)

    def close(self) -> None:
        """Wait for the last of what was written."""
        self._reader.join(10)
        os.close(self._keys)


def without_escapes(text: str) -> str:
    """Return a text without escape sequences."""
    return ESCAPE.sub("", text)


@contextmanager
def on_terminal(
    monkeypatch: pytest.MonkeyPatch, encoding: str = "utf-8", **environment: str
) -> Iterator[Terminal]:
    """Make standard output a terminal while the block runs."""
    terminal = Terminal()
    with monkeypatch.context() as patched:
        patched.delenv("NO_COLOR", raising=False)
        for name, value in (ENVIRONMENT | environment).items():
            patched.setenv(name, value)
        with TextIOWrapper(os.fdopen(terminal.end, "wb"), encoding, write_through=True) as stdout:
            patched.setattr(sys, "stdout", stdout)
            yield terminal
    terminal.close()


@contextmanager
def process_on_terminal(
    code: str, *args: str, environment: Mapping[str, str]
) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    """Run Python code in a process whose terminal this is."""
    terminal = Terminal()
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL + code, *args],
        stdin=terminal.end,
        stdout=terminal.end,
        stderr=terminal.end,
        start_new_session=True,
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT, **environment},
    )
    os.close(terminal.end)
    try:
        yield terminal, process
    finally:
        process.kill()
        process.wait()
        terminal.close()


def wait_for_text(terminal: Terminal, text: str) -> None:
    """Wait until a text was written."""
    wait_until(lambda: text in without_escapes(terminal.raw))
