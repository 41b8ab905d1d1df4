"""A driver's errors that are timeouts, lost connections, and conflicts on a replica."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import DBAPIError

# PostgreSQL: query_canceled, lock_not_available; serialization_failure, which a read-only
# transaction meets only on a replica. MySQL: ER_LOCK_WAIT_TIMEOUT, ER_QUERY_TIMEOUT,
# ER_QUERY_INTERRUPTED (KILL QUERY); MariaDB: ER_STATEMENT_TIMEOUT.
TIMEOUT_SQLSTATES = ("57014", "55P03")
CONFLICT_SQLSTATE = "40001"
TIMEOUT_ERRORS = (1205, 3024, 1317, 1969)
SQLITE_TIMEOUTS = (
    "interrupted",
    "database is locked",
    "database table is locked",
    "database schema is locked",
)
"""The beginnings of SQLite's messages; the name of a table may follow."""

TLS_ERROR = 2026
"""CR_SSL_CONNECTION_ERROR of mysqlclient, for which SQLAlchemy would keep the connection."""


def is_timeout(error: DBAPIError) -> bool:
    """Return whether the database stopped a statement at its timeout, or gave up waiting for a
    lock.
    """
    cause: Any = error.orig
    number_or_message = next(iter(cause.args), None)
    return (
        sqlstate(cause) in TIMEOUT_SQLSTATES
        or number_or_message in TIMEOUT_ERRORS
        or str(number_or_message).startswith(SQLITE_TIMEOUTS)
    )


def is_lost(error: DBAPIError) -> bool:
    """Return whether the connection was lost."""
    cause: Any = error.orig
    return error.connection_invalidated or (bool(cause.args) and cause.args[0] == TLS_ERROR)


def is_conflict(error: DBAPIError) -> bool:
    """Return whether a replica cancelled a statement that conflicted with its replay."""
    return sqlstate(error.orig) == CONFLICT_SQLSTATE


def sqlstate(cause: Any) -> str | None:
    """Return the SQLSTATE of a driver's error; None if the driver gives none."""
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
