"""A statement with the values of one run."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.connections import streamed
from flask_task_metrics.source import Filter

from .parameters import Parameters

ANSWERS = "task_metrics_answers"
"""The option of a connection for the results of statements that one statement has answered."""

Answers: TypeAlias = dict[sa.Executable, sa.Result[Any]]

SHARED_VALUES = "task_metrics_shared_values"
"""The option of a connection for values of parameters that all statements on it share."""


def with_filter(connection: sa.Connection, chosen: Filter) -> sa.Connection:
    """Give every query on a connection the values of a filter."""
    return with_values(connection, chosen.parameters)


def with_values(connection: sa.Connection, shared: Parameters) -> sa.Connection:
    """Give every query on a connection some values, besides those that it gives already."""
    return connection.execution_options(**{SHARED_VALUES: {**_shared(connection), **shared}})


def with_answers(connection: sa.Connection, answers: Answers) -> None:
    """Give the next query by each of some statements on a connection its result."""
    connection.execution_options(**{ANSWERS: answers})


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

    def run(self, connection: sa.Connection) -> sa.Result[Any]:
        """Execute the statement, unless its answer is there."""
        if answer := self._answer(connection):
            return answer
        return connection.execute(self.statement, self.parameters_on(connection))

    def stream(self, connection: sa.Connection) -> AbstractContextManager[Iterable[Any]]:
        """Execute the statement unless its answer is there, and fetch its rows as they are read."""
        if answer := self._answer(connection):
            return nullcontext(answer)
        return streamed(connection, self.statement, self.parameters_on(connection))

    def _answer(self, connection: sa.Connection) -> sa.Result[Any] | None:
        """Take the result that `with_answers` has for the statement."""
        answers: Answers = connection.get_execution_options().get(ANSWERS, {})
        return answers.pop(self.statement, None)

    def parameters_on(self, connection: sa.Connection) -> Parameters:
        """Return the values of the parameters, those that the connection gives included."""
        return {**self.parameters, **_shared(connection)}
