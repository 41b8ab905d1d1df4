"""Membership in a list of values, as a condition that an index serves."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class is_one_of(FunctionElement[bool]):
    """Whether a column holds one of several values, as a condition that an index serves.

    `values` may be an expanding parameter; then `twice` is one for the values named twice.
    """

    name = "is_one_of"
    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any], values: Any, twice: Any = None) -> None:
        once, twice = (values, twice) if twice is not None else _typed(column, values)
        super().__init__(column.in_(once), column.in_(twice))


def _typed(
    column: sa.ColumnElement[Any], values: tuple[Any, ...]
) -> tuple[sa.BindParameter[Any], sa.BindParameter[Any]]:
    """Return the values, once and twice, in the type of a column.

    PostgreSQL compares no enum with a text, as SQLAlchemy would send a string for a column whose
    type the host doesn't tell.
    """
    once, twice = (
        sa.bindparam(None, bound, column.type, unique=True, expanding=True)
        for bound in (values, values * 2)
    )
    return once, twice


@compiles(is_one_of, "postgresql")
@compiles(is_one_of, "sqlite")
def _is_one_of(element: is_one_of, compiler: SQLCompiler, **kw: Any) -> str:
    once, _ = element.clauses
    return compiler.process(once, **kw)


@compiles(is_one_of, "mysql", "mariadb")
def _is_one_of_mysql(element: is_one_of, compiler: SQLCompiler, **kw: Any) -> str:
    # MySQL looks a single value up in any index that begins with the column, and then reads all of
    # its rows. A value that is named twice makes it compare ranges of the indexes.
    _, twice = element.clauses
    return compiler.process(twice, **kw)
