"""The socket of a connection: shutting it down frees a driver that waits for a silent server."""

from __future__ import annotations

import _socket
import _thread
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import PerDatabase
from flask_task_metrics.exceptions import MetricsUnavailable


class Watch:
    """Drops a connection that takes longer than some seconds, unless the watch ends before.

    None is no limit. A connection without a socket, such as SQLite's, is never dropped. Raises
    `MetricsUnavailable` if the system has no thread or file descriptor left.
    """

    def __init__(self, connection: sa.Connection, seconds: float | None) -> None:
        self.has_dropped = False
        self._guard = _native("allocate_lock")()
        self._ending = _native("allocate_lock")()
        self._ending.acquire()
        self._socket: _socket.socket | None = None
        descriptor = DESCRIPTORS.of(connection.dialect)(connection.connection.driver_connection)
        if seconds is not None and descriptor is not None:
            try:
                self._start(descriptor, seconds)
            except (OSError, RuntimeError) as error:
                # The system has no descriptor or no thread left.
                self.end()
                raise MetricsUnavailable from error

    def _start(self, descriptor: int, seconds: float) -> None:
        # A duplicate, since the driver may close its own at any moment, and the system may give the
        # number to another file.
        self._socket = watched = _socket.socket(fileno=os.dup(descriptor))
        if _gevent() is None:
            Thread(target=self._wait, args=(watched, seconds), daemon=True).start()
        else:
            _native("start_new_thread")(self._wait, (watched, seconds))

    def end(self) -> None:
        """Leave the socket to its connection."""
        with self._guard:
            if self._socket is not None and self._socket.fileno() >= 0:
                self._socket.close()
                self._ending.release()

    def _wait(self, watched: _socket.socket, seconds: float) -> None:
        if self._ending.acquire(timeout=seconds):
            return
        with self._guard:
            # Set before the driver wakes. The watch may have ended at this moment.
            self.has_dropped = watched.fileno() >= 0
            # So may the connection.
            with suppress(OSError):
                watched.shutdown(_socket.SHUT_RDWR)


def _gevent() -> Any:
    """Return the module that may have replaced the standard library's threads; None without one."""
    return sys.modules.get("gevent.monkey")


def _native(name: str) -> Any:
    """Return a function of `_thread` as it is without gevent.

    A driver in C blocks gevent's only thread, and so every timer of gevent's.
    """
    monkey = _gevent()
    return getattr(_thread, name) if monkey is None else monkey.get_original("_thread", name)


def _postgresql(driver: Any) -> int | None:
    descriptor: int | None = None if driver.closed else driver.fileno()
    return descriptor


def _mysql(driver: Any) -> int | None:
    if not driver.open:
        return None
    # mysqlclient gives its descriptor away, PyMySQL has no public way to its socket.
    has_descriptor = driver if hasattr(driver, "fileno") else driver._sock  # noqa: SLF001
    descriptor: int = has_descriptor.fileno()
    return descriptor


DESCRIPTORS: PerDatabase[Callable[[Any], int | None]] = PerDatabase(
    sqlite=lambda _: None, postgresql=_postgresql, mysql=_mysql
)
"""The file descriptor of a driver's socket; None if it has no open one."""
