"""Ending a process when a signal asks for it, at a point where nothing is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STEP_SECONDS = 0.1


class Shutdown:
    """Whether the process was asked to end."""

    # A plain flag, which a signal handler may set whatever the main thread is at; a threading.Event
    # has a lock that the main thread might hold just then.
    requested = False

    def request(self, *_signal: object) -> None:
        """Ask for it; fit to be a signal handler."""
        self.requested = True

    def wait(self, seconds: float) -> bool:
        """Wait, but no longer than until shutdown is requested; return whether it is."""
        end = time.monotonic() + seconds
        while not self.requested and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, STEP_SECONDS))
        return self.requested


@contextmanager
def shutdown_on_signals() -> Iterator[Shutdown]:
    """A `Shutdown` that SIGINT, SIGTERM and SIGHUP request while the block runs."""
    shutdown = Shutdown()
    before = {number: signal.signal(number, shutdown.request) for number in SIGNALS}
    try:
        yield shutdown
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
