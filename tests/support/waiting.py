"""Waiting for something that happens elsewhere: in a server, or in another thread."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import monotonic


def wait_until(happened: Callable[[], object], seconds: float = 30) -> None:
    """Ask again and again, with a pause, whether something has happened; fail if it does not."""
    deadline = monotonic() + seconds
    pause = Event()
    while not happened():
        assert monotonic() < deadline
        pause.wait(0.01)
