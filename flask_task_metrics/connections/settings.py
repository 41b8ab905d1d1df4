"""Settings of a connection that hold for a transaction alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from flask_task_metrics.deadline import Deadline

RENEWED_AFTER_SECONDS = 0.1
"""The time that a statement may run past the deadline. Renewing its timeout costs a round trip."""

CLEANUP_MS = 1_000
"""The time for which the server keeps an abandoned transaction after the deadline."""


@contextmanager
def renewed(
    connection: sa.Connection, deadline: Deadline, renew: Callable[[], None]
) -> Iterator[None]:
    """Call `renew` before a statement, unless the timeouts were set only just before."""
    is_set_at = monotonic()

    def before_statement(*_: Any) -> None:
        nonlocal is_set_at
        if deadline.at is not None and monotonic() - is_set_at > RENEWED_AFTER_SECONDS:
            # First, since renewing runs a statement itself.
            is_set_at = monotonic()
            renew()

    event.listen(connection, "before_cursor_execute", before_statement)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", before_statement)


def restore_or_discard(connection: sa.Connection, restore: Callable[[], None]) -> None:
    """Restore a connection's settings, or else discard it.

    An error that ended the transaction, such as the host's own time limit, is not hidden by one of
    the restoring.
    """
    is_ended_by_error = sys.exc_info()[0] is not None
    if connection.invalidated:
        return
    try:
        restore()
    except BaseException as error:
        connection.invalidate()
        if not (is_ended_by_error and isinstance(error, Exception)):
            raise
