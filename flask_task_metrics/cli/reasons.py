"""The reason of an error in one line."""

from __future__ import annotations

import click
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from flask_task_metrics.exceptions import MetricsError, TaskMetricsError


def reason(error: BaseException) -> str:
    """Return why something failed: for a database error, the database's own first line.

    An error of an answer begins with its code: `METRICS_BUSY: Too many …`. One that the package
    does not know begins with its type: `KeyError: 'DATABASE_URL'`.
    """
    if isinstance(error, MetricsError):
        return f"{error.problem_code}: {_found(error)}"
    if isinstance(error, HTTPException):
        return f"{getattr(error, 'problem_code', error.code)}: {error.description}"
    if isinstance(error, click.ClickException):
        return _first_and_last_line(error.format_message())
    if isinstance(error, DBAPIError):
        return _first_line(error.orig)
    if isinstance(error, TaskMetricsError | SQLAlchemyError):
        return _first_line(error)
    return f"{type(error).__name__}: {_first_line(error)}"


def _found(error: MetricsError) -> str:
    """Return the cause of an error whose description only points to the log of a server."""
    cause = error.__cause__ and reason(error.__cause__)
    return getattr(error, "found", cause or "the figures could not be read")


def _first_line(error: object) -> str:
    return str(error).partition("\n")[0]


def _first_and_last_line(text: str) -> str:
    """Return the heading of a traceback, and the error at its end."""
    first, *others = filter(None, map(str.strip, text.splitlines()))
    return " ".join((first, *others[-1:]))
