"""The state of each recommended index in the database: there, covered by another, or missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from flask_task_metrics.exceptions import ConfigurationError
from flask_task_metrics.source import TaskSource

from .catalog import ExistingIndex, existing_indexes
from .declared import declared_indexes
from .keys import KEYS
from .obstacles import obstacle
from .origins import task_table
from .recommended import attached_indexes


@dataclass(frozen=True)
class IndexState:
    """A recommended index, and what the database has of it.

    `existing` is the name of an index that queries can use in its place; None if it is missing.
    `obstacle` says why it is not to be built as it is, and what to do; None if it can be.
    """

    index: sa.Index
    existing: str | None
    obstacle: str | None

    @property
    def is_buildable(self) -> bool:
        """Return whether it is missing, and nothing speaks against building it."""
        return self.existing is None and self.obstacle is None

    def __str__(self) -> str:
        """Return "there", "covered by OTHER" or "missing"."""
        if self.existing:
            return "there" if self.existing == self.index.name else f"covered by {self.existing}"
        return f"missing; {self.obstacle}" if self.obstacle else "missing"


def index_states(
    connection: sa.Connection, source: TaskSource, dimensions: Sequence[str] = ()
) -> list[IndexState]:
    """Return the state of each recommended index that ends with the columns of some dimensions.

    The indexes belong to a copy of the table, so you can create them.

    Raises `ConfigurationError` if the table is a view in the database.
    """
    table = task_table(source, dimensions)
    if table.name in sa.inspect(connection).get_view_names(table.schema):
        raise ConfigurationError(
            f"{table} is a view and can't have indexes; index by hand the columns that it shows as "
            f"{', '.join(map(_as_text, KEYS))}"
        )
    existing = existing_indexes(connection, table)
    declared = declared_indexes(table)
    return [
        IndexState(index, name, None)
        if (name := _covering(existing, index))
        else IndexState(index, None, _undeclared(declared, index) or obstacle(connection, index))
        for index in attached_indexes(source, dimensions)
    ]


def missing_indexes(connection: sa.Connection, source: TaskSource) -> list[IndexState]:
    """Return the recommended indexes that no index in the database covers."""
    return [state for state in index_states(connection, source) if state.existing is None]


def _covering(indexes: Iterable[ExistingIndex], index: sa.Index) -> str | None:
    return next((other.name for other in indexes if other.covers(index)), None)


def _undeclared(declared: Iterable[ExistingIndex], index: sa.Index) -> str | None:
    """Return what to do if the models declare another index that covers this one."""
    name = _covering(declared, index)
    if name in (None, index.name):
        return None
    return f"create {name}, which the models declare and which covers it"


def _as_text(roles: tuple[str, ...]) -> str:
    return f"({', '.join(roles)})"
