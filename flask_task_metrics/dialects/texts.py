"""Texts in SQL: one construct for each idea, one compilation for each database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class unicode_text(FunctionElement[str]):
    """A value of any type as text, whatever the character sets of its column and the connection."""

    name = "unicode_text"
    type = sa.Text()
    inherit_cache = True


@compiles(unicode_text, "postgresql")
@compiles(unicode_text, "sqlite")
def _unicode_text(element: unicode_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS TEXT)"


@compiles(unicode_text, "mysql", "mariadb")
def _unicode_text_mysql(element: unicode_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CONVERT({compiler.process(element.clauses, **kw)} USING utf8mb4)"


class Utf8(sa.types.TypeDecorator[str]):
    """Text as its bytes in UTF-8."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> bytes | None:
        """The text's bytes."""
        return None if value is None else value.encode()

    def process_result_value(self, value: bytes | None, dialect: sa.Dialect) -> str | None:
        """The bytes' text."""
        return None if value is None else value.decode()


EXACT_TEXT = sa.Text().with_variant(Utf8(), "mysql", "mariadb")
"""Text to MySQL and from it as bytes, because only bytes it compares to the letter."""


class exact_text(FunctionElement[str]):
    """A `unicode_text` that is compared to the letter, whatever the collation of its column."""

    name = "exact_text"
    type = EXACT_TEXT
    inherit_cache = True

    def __init__(self, value: sa.ColumnElement[Any]) -> None:
        super().__init__(value if isinstance(value, unicode_text) else unicode_text(value))


@compiles(exact_text, "postgresql")
def _exact_text_postgresql(element: exact_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f'({compiler.process(element.clauses, **kw)} COLLATE "C")'


@compiles(exact_text, "mysql", "mariadb")
def _exact_text_mysql(element: exact_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS BINARY)"


@compiles(exact_text, "sqlite")
def _exact_text_sqlite(element: exact_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)} COLLATE BINARY)"


class group_key(FunctionElement[str]):
    """What to group exact texts of any length by."""

    name = "group_key"
    type = sa.Text()
    inherit_cache = True


@compiles(group_key, "postgresql")
@compiles(group_key, "sqlite")
def _group_key(element: group_key, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(group_key, "mysql", "mariadb")
def _group_key_mysql(element: group_key, compiler: SQLCompiler, **kw: Any) -> str:
    # A GROUP BY that sorts sees max_sort_length bytes of a value (1,024 by default) and merges what
    # is alike up to there.
    return f"SHA2({compiler.process(element.clauses, **kw)}, 256)"
