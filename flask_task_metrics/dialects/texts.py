"""Text in SQL, compared exactly on every database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

SQLITE_CHARACTER = 4
"""The most bytes that a character takes in SQLite's encodings."""


class unicode_text(FunctionElement[str]):
    """A value of any type as Unicode text, whatever the character set of its column."""

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


class first_characters(FunctionElement[str]):
    """The first characters of a text, such as `first_characters(text, 1_000)`."""

    name = "first_characters"
    type = sa.Text()
    inherit_cache = True

    def __init__(self, text: sa.ColumnElement[Any], length: int) -> None:
        super().__init__(text, sa.literal(length))


@compiles(first_characters, "postgresql")
@compiles(first_characters, "mysql", "mariadb")
def _first_characters(element: first_characters, compiler: SQLCompiler, **kw: Any) -> str:
    text, length = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"SUBSTR({text}, 1, {length})"


@compiles(first_characters, "sqlite")
def _first_characters_sqlite(element: first_characters, compiler: SQLCompiler, **kw: Any) -> str:
    text, length = (compiler.process(clause, **kw) for clause in element.clauses)
    # For SQLite's functions of text a NUL is the end, so a text with one is cut as bytes, and comes
    # out longer.
    start = f"CAST(substr({_sqlite_bytes(text)}, 1, {length} * {SQLITE_CHARACTER}) AS TEXT)"
    return f"CASE WHEN instr({start}, char(0)) THEN {start} ELSE substr({start}, 1, {length}) END"


class both_ends(FunctionElement[str]):
    """The first and the last characters of a text, or all of it if it has no more.

    On SQLite it may have a few more.
    """

    name = "both_ends"
    type = sa.Text()
    inherit_cache = True

    def __init__(self, text: sa.ColumnElement[Any], length: int) -> None:
        super().__init__(text, sa.literal(length))


@compiles(both_ends, "postgresql")
@compiles(both_ends, "mysql", "mariadb")
def _both_ends(element: both_ends, compiler: SQLCompiler, **kw: Any) -> str:
    text, length = (compiler.process(clause, **kw) for clause in element.clauses)
    ends = f"CONCAT(LEFT({text}, {length}), RIGHT({text}, {length}))"
    return f"CASE WHEN CHAR_LENGTH({text}) > 2 * {length} THEN {ends} ELSE {text} END"


@compiles(both_ends, "sqlite")
def _both_ends_sqlite(element: both_ends, compiler: SQLCompiler, **kw: Any) -> str:
    text, length = (compiler.process(clause, **kw) for clause in element.clauses)
    whole, size = _sqlite_bytes(text), f"{length} * {SQLITE_CHARACTER}"
    ends = f"CAST(substr({whole}, 1, {size}) || substr({whole}, -{size}) AS TEXT)"
    return f"CASE WHEN length({whole}) > 2 * {size} THEN {ends} ELSE {text} END"


def _sqlite_bytes(text: str) -> str:
    return f"CAST({text} AS BLOB)"


class Utf8(sa.types.TypeDecorator[str]):
    """Text as its UTF-8 bytes. Bytes that are no UTF-8 become U+FFFD."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> bytes | None:
        """Encode the text."""
        return None if value is None else value.encode()

    def process_result_value(self, value: bytes | None, dialect: sa.Dialect) -> str | None:
        """Decode the bytes."""
        return None if value is None else value.decode(errors="replace")


EXACT_TEXT = sa.Text().with_variant(Utf8(), "mysql", "mariadb")
"""Text that travels to MySQL and back as bytes, since MySQL compares only bytes exactly."""


class exact_text(FunctionElement[str]):
    """A `unicode_text` that is compared exactly under any collation: `A` is not `a`."""

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


class sent_text(FunctionElement[str]):
    """An `exact_text` in the form in which it reaches Python on any database.

    The bytes in a PostgreSQL database of the encoding SQL_ASCII need not be UTF-8.
    """

    name = "sent_text"
    type = Utf8().with_variant(sa.Text(), "sqlite")
    inherit_cache = True


@compiles(sent_text, "sqlite")
@compiles(sent_text, "mysql", "mariadb")
def _sent_text(element: sent_text, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(sent_text, "postgresql")
def _sent_text_postgresql(element: sent_text, compiler: SQLCompiler, **kw: Any) -> str:
    encoding = (
        "CASE current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END"
    )
    return f"convert_to({compiler.process(element.clauses, **kw)}, {encoding})"


class group_key(FunctionElement[str]):
    """A key to group exact texts of any length by."""

    name = "group_key"
    type = sa.Text()
    inherit_cache = True


@compiles(group_key, "postgresql")
@compiles(group_key, "sqlite")
def _group_key(element: group_key, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(group_key, "mysql", "mariadb")
def _group_key_mysql(element: group_key, compiler: SQLCompiler, **kw: Any) -> str:
    # A GROUP BY that sorts compares only max_sort_length bytes (1,024 by default), and so would
    # merge longer texts that begin alike.
    return f"SHA2({compiler.process(element.clauses, **kw)}, 256)"


class group_text(FunctionElement[str]):
    """The text of a group by its `group_key`."""

    name = "group_text"
    type = EXACT_TEXT
    inherit_cache = True


@compiles(group_text, "postgresql")
@compiles(group_text, "sqlite")
def _group_text(element: group_text, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(group_text, "mysql", "mariadb")
def _group_text_mysql(element: group_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"MIN({compiler.process(element.clauses, **kw)})"
