"""The types of mapped columns, and those that a database can't compare as a figure must."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import CompileError

from flask_task_metrics.dialects import PerDatabase
from flask_task_metrics.exceptions import ConfigurationError

UNJUDGED = (sa.types.NullType, sa.types.UserDefinedType, postgresql.DOMAIN)
"""Types that don't tell what a column holds: only the database can judge them."""

STATUS_TYPES = (sa.String, sa.Integer, sa.Boolean, *UNJUDGED)
TIMESTAMP_TYPES = (sa.DateTime, *UNJUDGED)


@dataclass(frozen=True)
class Unfit:
    """Types of a database, by their names in DDL, that a column can't have, and the way out."""

    names: frozenset[str]
    reason: str


UNSORTED = Unfit(
    frozenset(["circle", "json", "jsonpath", "point", "xml"]),
    "PostgreSQL can't sort it; map sa.cast(…, sa.Text)",
)
HEX = Unfit(
    frozenset(["bytea"]),
    "PostgreSQL gives its text as hex digits; map sa.func.encode(…, 'escape')",
)

UNFIT: PerDatabase[Mapping[str, Unfit]] = PerDatabase(
    postgresql={"id": UNSORTED, "error_message": HEX, "error_code": HEX}, sqlite={}, mysql={}
)
"""The unfit types of a role. SQLite, MariaDB and MySQL compare and convert any types."""


def plain_type(column_type: Any) -> Any:
    """Return the database's own type of a column, without the host's `TypeDecorator`."""
    while isinstance(column_type, sa.TypeDecorator) and not isinstance(column_type, sa.Interval):
        column_type = column_type.impl_instance
    return column_type


def check_status(column_type: Any) -> None:
    """Raise `ConfigurationError` for a type that holds no text, integers or booleans."""
    if not isinstance(plain_type(column_type), STATUS_TYPES):
        raise ConfigurationError(
            f"status is mapped to a column of type {column_type!r}; "
            "it must hold text, integers or booleans"
        )


def check_timestamp(role: str, column_type: Any) -> None:
    """Raise `ConfigurationError` for a type that is no timestamp."""
    if not isinstance(plain_type(column_type), TIMESTAMP_TYPES):
        raise ConfigurationError(
            f"{role} is mapped to a column of type {column_type!r}; it must be a timestamp, "
            "or an expression that makes it one"
        )


def check_fit(role: str, column_type: Any, dialect: sa.Dialect) -> None:
    """Raise `ConfigurationError` for a type that a database can't use in a role."""
    unfit = UNFIT.of(dialect).get(role)
    if unfit and type_name(column_type, dialect).lower() in unfit.names:
        raise ConfigurationError(
            f"{role} is mapped to a column of type {column_type!r}; {unfit.reason}"
        )


def type_name(column_type: Any, dialect: sa.Dialect) -> str:
    """Return a type's name in DDL, such as `VARCHAR(32)`; its `repr` if it has none."""
    try:
        return str(column_type.compile(dialect=dialect))
    except CompileError:
        return repr(column_type)
