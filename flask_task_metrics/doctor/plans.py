"""Query plans, and the tables that they scan in full."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from flask_task_metrics.dialects import PerDatabase
from flask_task_metrics.figures import Query

Row: TypeAlias = Mapping[str, Any]

POSTGRESQL_SCANS = ("Seq Scan", "Index Scan", "Index Only Scan")
PARTIAL_INDEXES = sa.text(
    "SELECT relname FROM pg_catalog.pg_index JOIN pg_catalog.pg_class ON pg_class.oid = indexrelid"
    " WHERE indpred IS NOT NULL"
)
MYSQL_SCANS = ("ALL", "index")
SQLITE_SCAN = re.compile(r"SCAN (?:TABLE |SUBQUERY )?(?!CONSTANT|\d+ CONSTANT)(\S+)")
SQLITE_SUBQUERY = re.compile(r"(CO-ROUTINE|MATERIALIZE) (\S+)")
SQLITE_ROOT = 0
"""The id of a plan's root."""


def scanned_tables(connection: sa.Connection, query: Query) -> list[str]:
    """Return the tables that a query would scan in full, by their names in the plan.

    A full scan of an index counts too, but not of a partial one: it has only the rows that are
    asked for.
    """
    plan = _plan(connection, query)
    return sorted(set(SCANS.of(connection.dialect)(connection, plan)))


def _plan(connection: sa.Connection, query: Query) -> list[Row]:
    parameters = query.parameters_on(connection)
    cursor: Any = connection.execute(explain(query.statement), parameters).cursor
    # The rows come straight from the driver: SQLAlchemy would take them for rows of the query, and
    # convert their values to the types of its columns.
    names = [description[0] for description in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class explain(sa.Executable, sa.ClauseElement):
    """The plan of a statement, in the most detailed form that can be parsed.

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
    # The default is a tree if `explain_format` says so.
    return f"EXPLAIN FORMAT=TRADITIONAL {compiler.process(element.statement, **kw)}"


@compiles(explain, "sqlite")
def _explain_sqlite(element: explain, compiler: SQLCompiler, **kw: Any) -> str:
    return f"EXPLAIN QUERY PLAN {compiler.process(element.statement, **kw)}"


def _postgresql_scans(connection: sa.Connection, plan: Sequence[Row]) -> Iterator[str]:
    [[whole]] = (row["QUERY PLAN"] for row in plan)
    partial = set(connection.scalars(PARTIAL_INDEXES))
    for node in _postgresql_nodes(whole["Plan"]):
        is_scan = node["Node Type"] in POSTGRESQL_SCANS and "Index Cond" not in node
        if is_scan and node.get("Index Name") not in partial:
            yield node["Relation Name"]


def _postgresql_nodes(node: Row) -> Iterator[Row]:
    yield node
    for child in node.get("Plans", ()):
        yield from _postgresql_nodes(child)


def _mysql_scans(_: sa.Connection, plan: Sequence[Row]) -> Iterator[str]:
    for row in plan:
        # Names in angle brackets are the query's own temporary tables.
        if row["type"] in MYSQL_SCANS and not row["table"].startswith("<"):
            yield row["table"]


def _sqlite_scans(_: sa.Connection, plan: Sequence[Row]) -> Iterator[str]:
    parents = {row["id"]: row["parent"] for row in plan}
    subqueries = list(_sqlite_subqueries(plan))
    for row in plan:
        match = SQLITE_SCAN.match(row["detail"])
        above = [row["id"], *_ancestors(row["id"], parents)]
        # Inside a subquery, the subquery's own name means a table.
        is_subquery = match and any(
            name == match[1] and scope in above and node not in above
            for name, node, scope in subqueries
        )
        if match and not is_subquery:
            yield match[1]


def _sqlite_subqueries(plan: Sequence[Row]) -> Iterator[tuple[str, int, int]]:
    """Yield each subquery's name, its node, and the node in which its name is known.

    A co-routine is known to its parent, and a materialized subquery to the whole plan.
    """
    for row in plan:
        if match := SQLITE_SUBQUERY.match(row["detail"]):
            scope = row["parent"] if match[1] == "CO-ROUTINE" else SQLITE_ROOT
            yield match[2], row["id"], scope


def _ancestors(node: int, parents: Mapping[int, int]) -> Iterator[int]:
    while node in parents:
        node = parents[node]
        yield node


Scans: TypeAlias = Callable[[sa.Connection, Sequence[Row]], Iterator[str]]

SCANS: PerDatabase[Scans] = PerDatabase(
    sqlite=_sqlite_scans, postgresql=_postgresql_scans, mysql=_mysql_scans
)
