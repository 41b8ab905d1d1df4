"""Checks of the tasks' statement as a whole: its parameters, its SQL and its binds."""

from __future__ import annotations

from datetime import datetime, timezone

import sqlalchemy as sa
from sqlalchemy.exc import CompileError
from sqlalchemy.sql.visitors import iterate

from flask_task_metrics.exceptions import ConfigurationError

from .since import SINCE_PARAMETERS, since_values


def check_parameters(tasks: sa.FromClause) -> None:
    """Raise `ConfigurationError` for a parameter that has no value."""
    parameters = (found for found in iterate(tasks) if isinstance(found, sa.BindParameter))
    keys = {parameter.key for parameter in parameters if parameter.required}
    if unbound := sorted(map(str, keys - SINCE_PARAMETERS)):
        raise ConfigurationError(
            f"the source has parameters without a value: {', '.join(unbound)}; "
            "give each one its value, as in sa.bindparam('name', value)"
        )


def check_sql(tasks: sa.FromClause, dialect: sa.Dialect) -> None:
    """Raise `ConfigurationError` for an expression that a dialect has no SQL for."""
    # A statement is written out whole only with a value for each of its parameters.
    statement = sa.select(tasks).params(since_values(datetime.now(timezone.utc)))
    try:
        statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    except CompileError as error:
        raise ConfigurationError(
            f"the source has no SQL on {dialect.name}: {error}; map another expression"
        ) from error


def bind_key_of(tasks: sa.FromClause) -> str | None:
    """Return the Flask-SQLAlchemy bind of all tables; None is the default bind.

    Raises `ConfigurationError` for tables of several binds.
    """
    keys = {
        table.metadata.info.get("bind_key")
        for table in iterate(tasks)
        if isinstance(table, sa.Table)
    }
    if len(keys) > 1:
        raise ConfigurationError(
            f"the mapped tables belong to several binds ({', '.join(map(str, keys))}); "
            "a snapshot is read from one database"
        )
    return next(iter(keys), None)
