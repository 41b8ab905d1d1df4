"""The settings of a connection, and actions between its statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

SESSION = {
    "sqlite": ["PRAGMA query_only", "PRAGMA busy_timeout"],
    "postgresql": [
        "SHOW TimeZone",
        "SHOW statement_timeout",
        "SHOW transaction_isolation",
        "SHOW transaction_read_only",
    ],
    "mariadb": [
        "SELECT @@time_zone",
        "SELECT @@max_statement_time",
        "SELECT @@tx_isolation",
        "SELECT @@tx_read_only",
    ],
    "mysql": [
        "SELECT @@time_zone",
        "SELECT @@max_execution_time",
        "SELECT @@transaction_isolation",
        "SELECT @@transaction_read_only",
    ],
}
"""The settings that a snapshot changes, and has to put back."""


def session(engine: sa.Engine) -> dict[str, Any]:
    """Return the settings of a connection that the engine's pool hands out."""
    with engine.connect() as connection:
        questions = SESSION[connection.dialect.name]
        return {asked: connection.exec_driver_sql(asked).scalar() for asked in questions}


@contextmanager
def after_each_select(engine: sa.Engine, action: Callable[[], None]) -> Iterator[None]:
    """Call a function after each statement that reads tasks."""

    def act(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM tasks" in statement:
            action()

    event.listen(engine, "after_cursor_execute", act)
    yield
    event.remove(engine, "after_cursor_execute", act)
