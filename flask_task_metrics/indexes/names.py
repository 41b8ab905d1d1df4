"""Names of indexes, and names as SQL for the database's own client."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.exc import CompileError, SAWarning

LONGEST = 63
"""The longest name that all databases take, in bytes."""

DIALECTS = tuple(registry.load(name)() for name in ("sqlite", "postgresql", "mysql"))


def index_name(table: str, parts: Iterable[str]) -> str:
    """Return the name of an index on parts of a table, at most `LONGEST` bytes long.

    Other parts give another name: a digest of the full name ends a shortened one.
    """
    name = "_".join(("ix", table, *parts)).encode()
    if len(name) <= LONGEST:
        return name.decode()
    return f"{name[: LONGEST - 9].decode(errors='ignore')}_{_digest(name)}"


def definition_digest(expression: sa.ClauseElement) -> str:
    """Return eight digits that another SQL of an expression, on any database, changes."""
    definitions = []
    for dialect in DIALECTS:
        # Only the host's own database must have SQL for it, without a warning.
        with suppress(CompileError), warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)
            definitions.append(as_sql(dialect, expression))
    return _digest("\n".join(definitions).encode())


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:8]


def qualified(dialect: sa.Dialect, *names: str | None) -> str:
    """Return names as quoted SQL, joined by dots: `archive."jobs 100%"`."""
    quote = dialect.identifier_preparer.quote
    return _undoubled(dialect, ".".join(quote(name) for name in names if name))


def table_as_sql(dialect: sa.Dialect, table: sa.Table) -> str:
    """Return the quoted name of a table, with its schema if the mapping has one."""
    return qualified(dialect, table.schema, table.name)


def as_sql(dialect: sa.Dialect, element: sa.ClauseElement) -> str:
    """Return a part of a statement or a whole one as SQL, its values written out.

    Columns go by their name alone, as in the definition of an index.
    """
    options = {"include_table": False, "literal_binds": True}
    return _undoubled(
        dialect, str(element.compile(dialect=dialect, compile_kwargs=options)).strip()
    )


def _undoubled(dialect: sa.Dialect, compiled: str) -> str:
    """Return compiled SQL without the doubled percent signs that some drivers expect."""
    is_doubled = "%%" in dialect.identifier_preparer.quote_identifier("%")
    return compiled.replace("%%", "%") if is_doubled else compiled
