"""The databases that the package supports, and code that differs between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

import sqlalchemy as sa

from flask_task_metrics.exceptions import ConfigurationError

T = TypeVar("T")

Family: TypeAlias = Literal["sqlite", "postgresql", "mysql"]

FAMILIES: Mapping[str, Family] = {
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
}
"""The supported SQLAlchemy dialects. MySQL and MariaDB share their SQL, except where the code says
otherwise.
"""


@dataclass(frozen=True, kw_only=True)
class PerDatabase(Generic[T]):
    """One value for each family of databases; a missing one fails at import."""

    sqlite: T
    postgresql: T
    mysql: T

    def of(self, dialect: sa.Dialect) -> T:
        """Return the value for a dialect; raise `ConfigurationError` for an unsupported one."""
        value: T = getattr(self, family_of(dialect))
        return value


def family_of(dialect: sa.Dialect) -> Family:
    """Return a dialect's family; raise `ConfigurationError` for an unsupported dialect."""
    if dialect.name not in FAMILIES:
        raise ConfigurationError(
            f"the database is {dialect.name}; it must be one of {', '.join(FAMILIES)}"
        )
    return FAMILIES[dialect.name]


def is_mariadb(dialect: sa.Dialect) -> bool:
    """Return whether a connected dialect of the mysql family speaks to MariaDB."""
    return bool(getattr(dialect, "is_mariadb", False))
