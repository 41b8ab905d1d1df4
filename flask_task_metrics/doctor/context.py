"""The context of a check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.config import Settings
from flask_task_metrics.connections import Connector, open_connection, read_transaction
from flask_task_metrics.deadline import Deadline
from flask_task_metrics.source import TaskSource, since_values


@dataclass(frozen=True)
class Context:
    """A task table, its engine, the settings, the time of the examination (a UTC second), and the
    name by which the table was chosen among several.
    """

    engine: sa.Engine
    source: TaskSource
    settings: Settings
    now: datetime
    source_name: str | None = None

    @property
    def indexes_command(self) -> str:
        """Return the command that prints the missing indexes of the table."""
        option = f" --source {self.source_name}" if self.source_name else ""
        return f"`flask task-metrics indexes{option}`"

    @property
    def day_ago(self) -> datetime:
        """Return the start of the last 24 hours."""
        return self.now - timedelta(days=1)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Return the values that a statement needs if the source is a function."""
        return since_values(self.day_ago)

    @property
    def timeout_ms(self) -> int:
        """Return the time for a check; the default one if the deadline is turned off."""
        return self.settings.timeout_ms or Settings.timeout_ms

    def transaction(self) -> AbstractContextManager[sa.Connection]:
        """Open a transaction like a snapshot's; it raises the same errors."""
        return read_transaction(Connector(self.engine), Deadline.in_ms(self.timeout_ms))

    def connection(self) -> AbstractContextManager[sa.Connection]:
        """Open a connection like a snapshot's; it raises the same errors."""
        return open_connection(Connector(self.engine), Deadline.in_ms(self.timeout_ms))

    def rows(self, statement: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """Run a statement in a transaction of its own."""
        with self.transaction() as connection:
            return connection.execute(statement, self.parameters).all()
