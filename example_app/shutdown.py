"""Signals that end a process, at a point where no work is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STEP_SECONDS = 0.1


class Shutdown:
    """A request to end the process, and waiting that such a request cuts short."""

    # A plain flag, because a signal handler sets it. A threading.Event has a lock, and the
    # interrupted main thread might hold it.
    requested = False

    def request(self, *_signal: object) -> None:
        """Request shutdown; has the arguments of a signal handler."""
        self.requested = True

    def wait(self, seconds: float) -> bool:
        """Wait until the time is up or shutdown is requested; return whether it is requested."""
        end = time.monotonic() + seconds
        while not self.requested and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, STEP_SECONDS))
        return self.requested


@contextmanager
def shutdown_on_signals() -> Iterator[Shutdown]:
    """Yield a `Shutdown` that SIGINT, SIGTERM and SIGHUP request while the block runs."""
    shutdown = Shutdown()
    before = {number: signal.signal(number, shutdown.request) for number in SIGNALS}
    try:
        yield shutdown
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
