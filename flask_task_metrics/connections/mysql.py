"""Read-only transactions on MySQL and MariaDB."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.deadline import Deadline
from flask_task_metrics.dialects import is_mariadb

from .settings import CLEANUP_MS, renewed, restore_or_discard

UNWANTED_MODES = ("PAD_CHAR_TO_FULL_LENGTH", "NO_ZERO_DATE", "NO_ZERO_IN_DATE")
"""SQL modes of MySQL and MariaDB that add spaces to the values of CHAR columns, and in which a zero
date equals no other.
"""


@contextmanager
def mysql_transaction(connection: sa.Connection, deadline: Deadline) -> Iterator[None]:
    """Run a transaction; see `read_only_transaction`."""
    wanted = {"time_zone": "+00:00"} | _timeouts(connection, deadline)
    names = ", ".join(f"@@SESSION.{name} AS {name}" for name in (*wanted, "sql_mode"))
    before = connection.exec_driver_sql(f"SELECT {names}").mappings().one()
    modes = before["sql_mode"].split(",")
    if not set(modes).isdisjoint(UNWANTED_MODES):
        wanted["sql_mode"] = ",".join(mode for mode in modes if mode not in UNWANTED_MODES)

    def stricter() -> dict[str, Any]:
        timeouts = _timeouts(connection, deadline)
        return {name: min(before[name] or limit, limit) for name, limit in timeouts.items()}

    def restore() -> None:
        connection.exec_driver_sql("ROLLBACK")
        _set_session(connection, {name: before[name] for name in wanted})

    try:
        _set_session(connection, wanted | stricter())
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("START TRANSACTION READ ONLY")
        with renewed(connection, deadline, lambda: _set_session(connection, stricter())):
            yield
    finally:
        restore_or_discard(connection, restore)


def _timeouts(connection: sa.Connection, deadline: Deadline) -> dict[str, Any]:
    """Return the session variables that limit a statement, and an idle session."""
    if (left_ms := deadline.left_ms()) is None:
        return {}
    idle = {"wait_timeout": math.ceil((left_ms + CLEANUP_MS) / 1000)}
    if is_mariadb(connection.dialect):
        return {"max_statement_time": left_ms / 1000} | idle
    return {"max_execution_time": left_ms} | idle


def _set_session(connection: sa.Connection, variables: Mapping[str, Any] | sa.RowMapping) -> None:
    connection.execute(
        sa.text(f"SET {', '.join(f'SESSION {name} = :{name}' for name in variables)}"),
        dict(variables),
    )
