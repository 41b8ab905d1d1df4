"""Several queries as one statement, for a source whose tasks are costly to compute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

from .query import Answers, Query, with_answers

PART = "task_metrics_part"
"""The column for the number of the query that a row answers."""

STREAMED = "errors"
"""The figure whose rows come last, and may be many: they are fetched as they are read. Until then,
the connection can execute no other statement.
"""


@dataclass(frozen=True)
class Batch:
    """One statement for the rows of several queries, so that a database computes their tasks once.

    `columns` are those of each query.
    """

    statement: sa.CompoundSelect[Any]
    columns: Sequence[Sequence[str]]

    @classmethod
    def of(cls, queries: Sequence[Query]) -> Batch:
        """Build the statement from those of queries.

        Columns that share a name share a type. Columns of the host's own types are in the first.
        """
        statements: list[Any] = [query.statement for query in queries]
        columns = [statement.selected_columns for statement in statements]
        known = {column.name: column for own in reversed(columns) for column in own}
        parts = (
            statement.with_only_columns(
                sa.literal_column(str(number)).label(PART),
                *(own.get(name, _null(known[name], columns[0])) for name in known),
            )
            for number, (statement, own) in enumerate(zip(statements, columns, strict=True))
        )
        return cls(sa.union_all(*parts).order_by(PART), [own.keys() for own in columns])

    def query(self, queries: Sequence[Query]) -> Query:
        """Return the statement with the values of queries."""
        parameters: dict[str, Any] = {}
        for name, value in (item for query in queries for item in query.parameters.items()):
            # Values differ only if the source is a function: the earliest time gives it all tasks.
            parameters[name] = min(value, parameters.get(name, value))
        return Query("all figures", self.statement, parameters)

    @contextmanager
    def answering(self, connection: sa.Connection, queries: Sequence[Query]) -> Iterator[None]:
        """Run the statement; each of the queries then gets its rows when it is run."""
        with self.query(queries).stream(connection) as rows:
            with_answers(connection, self._answers(rows, queries))
            yield

    def _answers(self, rows: Iterable[Any], queries: Sequence[Query]) -> Answers:
        answers = {query.statement: self._answer(part, ()) for part, query in enumerate(queries)}
        for part, of_part in groupby(rows, key=lambda row: int(row[0])):
            query = queries[part]
            if query.figure == STREAMED:
                answers[query.statement] = self._answer(part, of_part)
                break
            answers[query.statement] = self._answer(part, list(of_part))
        return answers

    def _answer(self, part: int, rows: Iterable[Any]) -> sa.Result[Any]:
        metadata: Any = SimpleResultMetaData(self.statement.selected_columns.keys())
        result: sa.Result[Any] = IteratorResult(metadata, iter(rows))
        return result.columns(*self.columns[part])


def _null(column: sa.ColumnElement[Any], first: Mapping[str, Any]) -> sa.Label[Any]:
    """Return null in the place of a column of another statement."""
    # PostgreSQL takes the types of a union's columns from its first rows.
    needs_type = column.name not in first and not isinstance(column.type, sa.types.NullType)
    return (sa.cast(sa.null(), column.type) if needs_type else sa.null()).label(column.name)
