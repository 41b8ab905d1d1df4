"""Columns that have another type in the database than in the mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flask_task_metrics.dialects import PerDatabase, elapsed_ms
from flask_task_metrics.exceptions import MetricsError
from flask_task_metrics.figures import has_status, is_since
from flask_task_metrics.logfmt import logfmt
from flask_task_metrics.source import STATUSES, TIMESTAMPS, TaskSource, plain_type, type_name

from .columns import CATALOG, from_catalog, table_columns
from .context import Context
from .refusals import OTHER_TYPE, UNFIT_VALUE, first_line, refusal_of

TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set")
NUMBERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double")
TIMES = ("datetime", "timestamp", "date", "time")
"""The names of types in the catalogs of MariaDB and MySQL."""

PG_TYPE = sa.table("pg_type", sa.column("typname"), sa.column("typtype"), schema="pg_catalog")
ENUM = "enum "
"""Begins the name of an enum of PostgreSQL: `enum job_status`."""

TYPE_NAME: PerDatabase[sa.ColumnElement[str] | None] = PerDatabase(
    sqlite=None,
    postgresql=sa.case(
        (
            sa.exists().where(PG_TYPE.c.typname == CATALOG.c.udt_name, PG_TYPE.c.typtype == "e"),
            ENUM + CATALOG.c.udt_name,
        ),
        else_=CATALOG.c.data_type,
    ),
    mysql=CATALOG.c.data_type,
)
"""The name of a column's type, from the catalog. SQLite's columns hold values of any type."""

CONVERTED: PerDatabase[Mapping[Any, frozenset[str]]] = PerDatabase(
    sqlite={},
    postgresql={},
    mysql={
        sa.String: frozenset([*NUMBERS, *TIMES]),
        sa.Integer: frozenset([*TEXTS, *TIMES]),
        sa.DateTime: frozenset([*TEXTS, *NUMBERS]),
    },
)
"""The types that a database converts, instead of refusing to compare them with a mapped one. A
converted value may equal any other: `'done' = 0`.
"""


@dataclass(frozen=True)
class Mismatch:
    """A role whose column has another type in the database than in the mapping.

    `stored` is None if the type in the database is unknown. `refusal` is the database's message if
    it refuses to compare the column.
    """

    role: str
    mapped: Any
    stored: str | None
    refusal: str | None
    dialect: sa.Dialect

    @property
    def message(self) -> str:
        """Return what differs: "status is job_status in the database, but VARCHAR in the mapping".

        The database's own message follows.
        """
        stored = self.stored or "of another type"
        mapped = type_name(self.mapped, self.dialect)
        refusal = f" ({self.refusal})" if self.refusal else ""
        return f"{self.role} is {stored} in the database, but {mapped} in the mapping{refusal}"

    @property
    def hint(self) -> str:
        """Return what to write instead."""
        if self.role in (*TIMESTAMPS, "due_at"):
            return (
                f"map {self.role} to sa.cast(…, sa.DateTime) if it is text; if it counts seconds "
                "since 1970, declare it as sa.BigInteger and map it from_epoch(…, 's')"
            )
        declared = "the database has it"
        if self.stored and self.stored.startswith(ENUM):
            declared = f"sa.Enum(…, name={self.stored.removeprefix(ENUM)!r})"
        return f"declare {self.role} as {declared}, or map it to sa.cast(…, sa.Text)"


def mismatches(context: Context) -> Iterator[Mismatch]:
    """Yield the roles whose columns the database can't compare, or converts to compare them."""
    with context.transaction() as connection:
        stored_types = _stored_types(connection, context.source)
    for role in _compared(context.source):
        mapped, stored = context.source.tasks.c[role].type, stored_types.get(role)
        refusal = _refusal(context, role)
        if refusal or (role != "id" and _is_converted(mapped, stored, context.engine.dialect)):
            yield Mismatch(role, mapped, stored, refusal, context.engine.dialect)


def _compared(source: TaskSource) -> list[str]:
    return ["id", "status", *source.timestamps, *_bound_types(source)]


def _bound_types(source: TaskSource) -> dict[str, sa.types.TypeEngine[Any]]:
    """Return the type of the values that each dimension is compared with, by its role."""
    return {one.role: one.kind.bound_type for one in source.dimensions.values()}


def _refusal(context: Context, role: str) -> str | None:
    """Return the database's message if it can't compare the column of a role."""
    try:
        context.rows(_comparison(context.source, role, context.now))
    except MetricsError as error:
        refusal = refusal_of(error)
        is_enum = isinstance(plain_type(context.source.tasks.c[role].type), sa.Enum)
        # psycopg2 sends texts without a type, so PostgreSQL takes them for the column's. An enum
        # may lack the value alone.
        if refusal is OTHER_TYPE or (refusal is UNFIT_VALUE and not is_enum):
            return logfmt(first_line(error))
        raise
    return None


def _is_converted(mapped: Any, stored: str | None, dialect: sa.Dialect) -> bool:
    plain = plain_type(mapped)
    return any(
        isinstance(plain, of) and stored in names for of, names in CONVERTED.of(dialect).items()
    )


def _comparison(source: TaskSource, role: str, now: datetime) -> sa.Select[Any]:
    """Select nothing, with the comparisons that a snapshot makes of a role."""
    column = source.tasks.c[role]
    if role == "id":
        return sa.select(column).order_by(column.desc()).limit(0)
    if role == "status":
        compared = [sa.or_(*(has_status(source, status) for status in STATUSES))]
    elif bound_type := _bound_types(source).get(role):
        compared = [sa.type_coerce(column, bound_type) == sa.literal(None, bound_type)]
    else:
        compared = [is_since(column, now), elapsed_ms(column, column) == 0]
    return sa.select(sa.literal(1)).where(*compared).limit(0)


def _stored_types(connection: sa.Connection, source: TaskSource) -> dict[str, str | None]:
    name = TYPE_NAME.of(connection.dialect)
    if name is None:
        return {}
    return {
        role: from_catalog(connection, column, name)
        for role, column in table_columns(source, _compared(source)).items()
    }
