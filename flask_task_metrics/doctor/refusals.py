"""Failures of a check, in words: what each error of a database means, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from flask_task_metrics.connections import sqlstate
from flask_task_metrics.exceptions import (
    MetricsError,
    MetricsTimeout,
    MetricsUnavailable,
    TaskMetricsError,
)
from flask_task_metrics.logfmt import logfmt

from .check import Problem

UNREACHABLE_HINT = "check the database URL, and that the server is up and has a connection left"


@dataclass(frozen=True)
class Refusal:
    """A kind of error, and what to do about it.

    `codes` are the SQLSTATEs of PostgreSQL, the numbers of MariaDB and MySQL, and the first words
    of SQLite's messages.
    """

    codes: tuple[str | int, ...]
    meaning: str
    hint: str

    def is_meant_by(self, cause: Any) -> bool:
        """Return whether a driver's error is of this kind."""
        number_or_message = next(iter(getattr(cause, "args", ())), None)
        words = tuple(code for code in self.codes if isinstance(code, str))
        return (
            sqlstate(cause) in self.codes
            or number_or_message in self.codes
            or str(number_or_message).startswith(words)
        )


OTHER_TYPE = Refusal(
    ("42883", "42804", "42846", 4079),
    "a column has another type in the database than in the mapping",
    "declare the type that the database has, or map an expression such as sa.cast(…, sa.Text)",
)
UNFIT_VALUE = Refusal(
    ("22P02",),
    "a value doesn't fit the type of its column",
    "map in statuses the values that the column can hold, and () for a status that it lacks",
)
REFUSALS = (
    Refusal(
        ("42P01", "3F000", 1146, "no such table"),
        "a table is missing",
        "run your migrations; if the table is elsewhere, map its schema or set "
        "TASK_METRICS_BIND_KEY",
    ),
    Refusal(
        ("42703", 1054, "no such column"),
        "a column is missing",
        "run your migrations, or map a column that the table has",
    ),
    Refusal(
        ("42501", 1044, 1142, 1143, 1370, "not authorized"),
        "a privilege is missing",
        "grant the user SELECT on the table, and on PostgreSQL USAGE of its schema",
    ),
    Refusal(
        (1356,),
        "a view can't be read",
        "create it anew, and grant SELECT on its tables to its definer",
    ),
    Refusal(
        (1345,),
        "the plan of a view may not be shown",
        "grant the user SHOW VIEW on it and SELECT on its tables; snapshots need neither",
    ),
    OTHER_TYPE,
    UNFIT_VALUE,
    Refusal(
        ("0A000", "22003", "22007", "22008", 1292, 1525, 1690),
        "a timestamp can't be read, or is out of range",
        "correct the rows with infinite, zero or far timestamps, or map an expression without them",
    ),
    Refusal(
        ("22021", "22P05", 1300),
        "a text is not valid in its encoding",
        "correct the row, or map an expression that makes valid text of it",
    ),
    Refusal(
        (
            "XX001",
            "XX002",
            1034,
            1194,
            "database disk image is malformed",
            "file is not a database",
        ),
        "the data is damaged",
        "check the path, or repair the database or restore it from a backup",
    ),
)
"""The errors of a database that have words of their own."""

OTHER = Refusal(
    (), "the database refused this check", "look its message up in the database's manual"
)

OF_DATABASE = (MetricsError, MetricsTimeout, MetricsUnavailable)
"""The errors that stand for one of the driver."""

NOT_UTC = Problem(
    "a timestamp is not UTC",
    "store every timestamp as SQLAlchemy writes it: 2026-01-30 09:58:12.345678",
)
NOT_UTC_MESSAGE = "integer overflow"
"""The error that the SQL provokes on SQLite for a timestamp that is not UTC."""


def problem_of(error: Exception, indexes_command: str) -> Problem:
    """Return an error that ended a check as its problem."""
    reason = logfmt(first_line(error))
    if isinstance(error, MetricsTimeout):
        return Problem(
            f"the database stopped this check: {reason}",
            "end the session that locks the task table, or else create the missing indexes "
            f"({indexes_command}) or raise TASK_METRICS_TIMEOUT_MS",
        )
    if isinstance(error, MetricsUnavailable):
        return Problem(f"the database can't be reached: {reason}", UNREACHABLE_HINT)
    if isinstance(error, MetricsError):
        return _refused(error, reason)
    if isinstance(error, SQLAlchemyError | TaskMetricsError):
        return Problem(f"the tasks can't be asked for: {reason}", "correct the mapping")
    return Problem(f"{type(error).__name__} at {_place(error)}: {reason}", "report this error")


def refusal_of(error: MetricsError) -> Refusal:
    """Return the kind of error that the database raised."""
    cause = _cause(error)
    return next((refusal for refusal in REFUSALS if refusal.is_meant_by(cause)), OTHER)


def first_line(error: Exception) -> str:
    """Return the first line of the database's message; the error's own if there is none."""
    cause = _cause(error) or getattr(error, "description", error)
    args: Sequence[object] = getattr(cause, "args", ())
    # PyMySQL's and mysqlclient's errors have a number before their message.
    message = args[1] if len(args) == 2 else cause
    return str(message).strip().partition("\n")[0]


def _refused(error: MetricsError, reason: str) -> Problem:
    if str(_cause(error)) == NOT_UTC_MESSAGE:
        return NOT_UTC
    refusal = refusal_of(error)
    return Problem(f"{refusal.meaning}: {reason}", refusal.hint)


def _cause(error: Exception) -> BaseException | None:
    """Return the driver's error behind an error."""
    cause = error.__cause__ if isinstance(error, OF_DATABASE) else error
    return cause.orig if isinstance(cause, DBAPIError) else cause


def _place(error: Exception) -> str:
    last = extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"
