"""A statement with the values of one run."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.connections import streamed
from flask_task_metrics.source import Filter

from .parameters import Parameters

SHARED_VALUES = "task_metrics_shared_values"
"""The option of a connection for values of parameters that all statements on it share."""


def with_filter(connection: sa.Connection, chosen: Filter) -> sa.Connection:
    """Give every query on a connection the values of a filter."""
    return with_values(connection, chosen.parameters)


def with_values(connection: sa.Connection, shared: Parameters) -> sa.Connection:
    """Give every query on a connection some values, besides those that it gives already."""
    return connection.execution_options(**{SHARED_VALUES: {**_shared(connection), **shared}})


def _shared(connection: sa.Connection) -> Parameters:
    shared: Parameters = connection.get_execution_options().get(SHARED_VALUES, {})
    return shared


@dataclass(frozen=True)
class Query:
    """A figure's statement and the values of its parameters: run it, or explain its plan.

    `figure` names it in the doctor's words, such as `counts`.
    """

    figure: str
    statement: sa.Executable
    parameters: Parameters

    def run(self, connection: sa.Connection) -> sa.CursorResult[Any]:
        """Execute the statement."""
        return connection.execute(self.statement, self.parameters_on(connection))

    def stream(self, connection: sa.Connection) -> AbstractContextManager[Iterable[Any]]:
        """Execute the statement, and fetch its rows as they are read."""
        return streamed(connection, self.statement, self.parameters_on(connection))

    def parameters_on(self, connection: sa.Connection) -> Parameters:
        """Return the values of the parameters, those that the connection gives included."""
        return {**self.parameters, **_shared(connection)}
