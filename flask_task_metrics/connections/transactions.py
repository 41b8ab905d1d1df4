"""Read-only transactions: repeatable reads, in UTC, with a statement timeout."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

import sqlalchemy as sa

from flask_task_metrics.deadline import Deadline
from flask_task_metrics.dialects import PerDatabase

from .mysql import mysql_transaction
from .postgresql import postgresql_transaction
from .sqlite import sqlite_transaction

DEADLINE = "task_metrics_deadline"
"""The execution option of a connection that holds the deadline."""

Transaction: TypeAlias = Callable[[sa.Connection, Deadline], AbstractContextManager[None]]

TRANSACTIONS: PerDatabase[Transaction] = PerDatabase(
    sqlite=sqlite_transaction, postgresql=postgresql_transaction, mysql=mysql_transaction
)


def read_only_transaction(
    connection: sa.Connection, deadline: Deadline
) -> AbstractContextManager[None]:
    """Run a read-only transaction in UTC, in which the database stops a statement at a deadline.

    A stricter timeout of the database's own stays in force. Leaving the transaction restores the
    settings of the connection.
    """
    connection.execution_options(**{DEADLINE: deadline})
    return TRANSACTIONS.of(connection.dialect)(connection, deadline)


def deadline_of(connection: sa.Connection) -> Deadline:
    """Return the deadline of a connection's `read_only_transaction`; none outside of one."""
    deadline: Deadline = connection.get_execution_options().get(DEADLINE, Deadline())
    return deadline
