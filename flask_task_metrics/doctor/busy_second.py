"""A statement long enough for a timeout to stop."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class busy_second(FunctionElement[int]):
    """A subquery that takes about a second and locks nothing."""

    name = "busy_second"
    type = sa.Integer()
    inherit_cache = True


@compiles(busy_second, "postgresql")
def _busy_second_postgresql(element: busy_second, compiler: SQLCompiler, **kw: Any) -> str:
    return "(SELECT 1 FROM pg_sleep(1))"


@compiles(busy_second, "mysql", "mariadb")
def _busy_second_mysql(element: busy_second, compiler: SQLCompiler, **kw: Any) -> str:
    # MySQL raises no error for a stopped SLEEP that is a statement's only expression.
    return "(SELECT 1 FROM (SELECT 1) AS task WHERE SLEEP(1) = 0)"


@compiles(busy_second, "sqlite")
def _busy_second_sqlite(element: busy_second, compiler: SQLCompiler, **kw: Any) -> str:
    return (
        "(WITH RECURSIVE step(number) AS "
        "(SELECT 1 UNION ALL SELECT number + 1 FROM step WHERE number < 3000000) "
        "SELECT count(*) FROM step)"
    )
