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

FILTER_VALUES = "task_metrics_filter_values"
"""The option of a connection for the values of a filter, which all statements on it share."""


def with_filter(connection: sa.Connection, chosen: Filter) -> sa.Connection:
    """Give every query on a connection the values of a filter."""
    return connection.execution_options(**{FILTER_VALUES: chosen.parameters})


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
        """Return the values of the parameters, those of the connection's filter included."""
        filter_values: Parameters = connection.get_execution_options().get(FILTER_VALUES, {})
        return {**self.parameters, **filter_values}
