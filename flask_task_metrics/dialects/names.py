"""The names of indexes, and names as SQL that a database's own client takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa

LONGEST = 63
"""The longest name that all databases take, in bytes."""


def index_name(table: str, parts: Iterable[str]) -> str:
    """The name of an index, which is another where the index consists of other parts."""
    name = "_".join(("ix", table, *parts)).encode()
    if len(name) <= LONGEST:
        return name.decode()
    digest = hashlib.sha256(name).hexdigest()[:8]
    return f"{name[: LONGEST - 9].decode(errors='ignore')}_{digest}"


def qualified(connection: sa.Connection, *names: str | None) -> str:
    """A name as SQL, behind those of what it is in."""
    quote = connection.dialect.identifier_preparer.quote
    return as_sent(connection.dialect, ".".join(quote(name) for name in names if name))


def as_sent(dialect: sa.Dialect, compiled: str) -> str:
    """SQL without parameters as the database gets it: some drivers take each percent sign twice."""
    is_doubled = "%%" in dialect.identifier_preparer.quote_identifier("%")
    return compiled.replace("%%", "%") if is_doubled else compiled
