"""How each database plans to run a statement, and which tables that reads from end to end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

Row: TypeAlias = Mapping[str, Any]

POSTGRESQL_SCANS = ("Seq Scan", "Index Scan", "Index Only Scan")
MYSQL_SCANS = ("ALL", "index")
SQLITE_SCAN = re.compile(r"SCAN (?:TABLE |SUBQUERY )?(?!CONSTANT|\d+ CONSTANT)(\S+)")
SQLITE_SUBQUERY = re.compile(r"(CO-ROUTINE|MATERIALIZE) (\S+)")
SQLITE_PLAN = 0
"""Where all of a plan is; from there on is known what is kept to be read several times."""


class explain(sa.Executable, sa.ClauseElement):
    """The plan of a statement, with its parameters, in the form of which each database tells most.

    The statement is not run.
    """

    inherit_cache = False

    def __init__(self, statement: sa.Executable) -> None:
        self.statement: Any = statement


@compiles(explain, "postgresql")
def _explain_postgresql(element: explain, compiler: SQLCompiler, **kw: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **kw)}"


@compiles(explain, "mysql", "mariadb")
def _explain_mysql(element: explain, compiler: SQLCompiler, **kw: Any) -> str:
    return f"EXPLAIN {compiler.process(element.statement, **kw)}"


@compiles(explain, "sqlite")
def _explain_sqlite(element: explain, compiler: SQLCompiler, **kw: Any) -> str:
    return f"EXPLAIN QUERY PLAN {compiler.process(element.statement, **kw)}"


def plan_of(connection: sa.Connection, statement: sa.Executable) -> list[Row]:
    """The rows of a statement's plan, as the database words them."""
    cursor: Any = connection.execute(explain(statement)).cursor
    # Straight from the driver: SQLAlchemy would take them for the statement's own rows, and their
    # values for what its columns hold.
    names = [description[0] for description in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def scanned_tables(connection: sa.Connection, statement: sa.Executable) -> list[str]:
    """The tables, by the names that the plan gives them, that a statement would read from end to
    end, be it in an index.
    """
    return sorted(set(SCANS[connection.dialect.name](plan_of(connection, statement))))


def _postgresql_scans(plan: Sequence[Row]) -> Iterator[str]:
    [[whole]] = (row["QUERY PLAN"] for row in plan)
    for node in _postgresql_nodes(whole["Plan"]):
        if node["Node Type"] in POSTGRESQL_SCANS and "Index Cond" not in node:
            yield node["Relation Name"]


def _postgresql_nodes(node: Row) -> Iterator[Row]:
    yield node
    for child in node.get("Plans", ()):
        yield from _postgresql_nodes(child)


def _mysql_scans(plan: Sequence[Row]) -> Iterator[str]:
    for row in plan:
        # What the statement makes for itself stands in angle brackets.
        if row["type"] in MYSQL_SCANS and not row["table"].startswith("<"):
            yield row["table"]


def _sqlite_scans(plan: Sequence[Row]) -> Iterator[str]:
    parents = {row["id"]: row["parent"] for row in plan}
    subqueries = [
        (match[2], row["id"], row["parent"] if match[1] == "CO-ROUTINE" else SQLITE_PLAN)
        for row in plan
        if (match := SQLITE_SUBQUERY.match(row["detail"]))
    ]
    for row in plan:
        match = SQLITE_SCAN.match(row["detail"])
        above = [row["id"], *_ancestors(row["id"], parents)]
        # Inside the subquery of a name, the name is a table's.
        is_subquery = match and any(
            name == match[1] and scope in above and node not in above
            for name, node, scope in subqueries
        )
        if match and not is_subquery:
            yield match[1]


def _ancestors(node: int, parents: Mapping[int, int]) -> Iterator[int]:
    while node in parents:
        node = parents[node]
        yield node


SCANS: Mapping[str, Callable[[Sequence[Row]], Iterator[str]]] = {
    "postgresql": _postgresql_scans,
    "mysql": _mysql_scans,
    "mariadb": _mysql_scans,
    "sqlite": _sqlite_scans,
}
