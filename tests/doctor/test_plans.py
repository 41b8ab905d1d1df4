"""With the recommended indexes every query reads its window, and no more of the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import UnsupportedCompilationError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from flask_task_metrics import TaskSource, Window
from flask_task_metrics.doctor.plans import explain, scanned_tables
from flask_task_metrics.figures import Collector, Query
from flask_task_metrics.indexes import missing_indexes
from tests.support.databases import on
from tests.support.doctor import add_indexes
from tests.support.host import NOW, Task
from tests.support.plans import plan_of

# Its error code has a column, since without one a database knows that no task has a given code, and
# looks for none.
SOURCE = TaskSource(Task, error_code="request_id")

FIGURES = {"counts", "latencies", "errors"}
"""Figures that have a query on every database."""

DAYS = 90
STATUSES = {"completed": 80, "failed": 10, "cancelled": 10}
BACKLOG = ("queued", "processing")


def task(status: str, age: timedelta) -> dict[str, Any]:
    created_at = NOW.replace(tzinfo=None) - age
    done_at = created_at + timedelta(seconds=30)
    return {
        "status": status,
        "created_at": created_at,
        "processing_at": None if status == "queued" else created_at + timedelta(seconds=5),
        "completed_at": done_at if status == "completed" else None,
        "updated_at": created_at if status in BACKLOG else done_at,
        "error_message": "ENGINE_TIMEOUT: no answer" if status == "failed" else None,
        "request_id": None,
    }


def ended_tasks(count: int, youngest: timedelta, oldest: timedelta) -> list[dict[str, Any]]:
    """Return tasks of an age between two, in no order."""
    rng = Random(count)
    statuses = rng.choices(list(STATUSES), list(STATUSES.values()), k=count)
    return [task(status, youngest + (oldest - youngest) * rng.random()) for status in statuses]


RECENT = [
    *ended_tasks(250, timedelta(), timedelta(days=1)),
    *(task(status, timedelta(minutes=1)) for status in BACKLOG * 20),
]
OLD = ended_tasks(20_000, timedelta(days=1), timedelta(days=DAYS))

TIDYING = {
    "sqlite": "ANALYZE",
    "mariadb": "ANALYZE TABLE tasks",
    "mysql": "ANALYZE TABLE tasks",
    "postgresql": "VACUUM (ANALYZE) tasks",
}


def add(engine: sa.Engine, tasks: list[dict[str, Any]]) -> None:
    """Insert tasks, and have the database count what it has now."""
    with engine.begin() as connection:
        connection.execute(sa.insert(Task), tasks)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(TIDYING[engine.dialect.name])


def queries(engine: sa.Engine, minutes: int) -> list[Query]:
    """Return the queries of a window."""
    return Collector.of(SOURCE, engine.dialect).queries(Window.ending(NOW, minutes))


def scans(engine: sa.Engine, minutes: int) -> dict[str, list[str]]:
    """Return the tables that each query of a window would read from end to end."""
    with engine.connect() as connection:
        return {
            query.figure: scanned_tables(connection, query) for query in queries(engine, minutes)
        }


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [60, 1440])
def test_no_query_reads_the_whole_table(engine: sa.Engine, minutes: int) -> None:
    add_indexes(engine)
    add(engine, OLD + RECENT)
    scanned = scans(engine, minutes)
    assert scanned.keys() >= FIGURES
    assert [] == [query for query, tables in scanned.items() if tables]


@pytest.mark.slow
def test_without_the_indexes_each_query_is_found_to_read_the_whole_table(
    engine: sa.Engine,
) -> None:
    add(engine, OLD + RECENT)
    scanned = scans(engine, 60)
    assert scanned.keys() >= FIGURES
    assert [] == [query for query, tables in scanned.items() if tables != ["tasks"]]


@pytest.mark.slow
def test_without_the_index_of_one_figure_its_query_is_found(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for state in missing_indexes(connection, SOURCE)[1:]:
            state.index.create(connection)
    add(engine, OLD + RECENT)
    assert ["tasks"] == scans(engine, 60)["counts"]


@pytest.mark.slow
def test_what_is_read_does_not_grow_with_the_table(engine: sa.Engine) -> None:
    add_indexes(engine)
    add(engine, RECENT)
    small = reads(engine)
    add(engine, OLD)
    large = reads(engine)
    assert small.keys() >= FIGURES
    assert [] == [name for name in small if large[name] > 2 * small[name]]


@pytest.mark.slow
def test_latencies_are_read_from_their_index_alone(engine: sa.Engine) -> None:
    add_indexes(engine)
    add(engine, OLD + RECENT)
    [query] = [query for query in queries(engine, 1440) if query.figure == "latencies"]
    with engine.connect() as connection:
        plan = plan_of(connection, query)
    kinds = KINDS[engine.dialect.name](plan)
    assert {INDEX_ALONE[engine.dialect.name]} == set(kinds)


@on("sqlite")
def test_what_a_plan_makes_for_itself_is_no_table(engine: sa.Engine) -> None:
    made = sa.select(Task.id).limit(3).subquery("tasks")
    again = sa.select(made.c.id, sa.func.count()).group_by(made.c.id).subquery("again")
    with engine.connect() as connection:
        assert ["tasks"] == scanned_tables(connection, alone(sa.select(again)))
        assert [] == scanned_tables(connection, alone(sa.select(sa.literal(1))))


def test_plan_of_a_query_whose_columns_are_of_unusual_types_can_be_read(engine: sa.Engine) -> None:
    # A plan of SQLite's and of MariaDB's has a column of this name too.
    query = sa.select(sa.type_coerce(Task.request_id, sa.JSON).label("id"))
    with engine.connect() as connection:
        assert ["tasks"] == scanned_tables(connection, alone(query))


def alone(statement: sa.Executable) -> Query:
    """Return a query without parameters."""
    return Query("alone", statement, {})


def test_a_database_that_is_not_supported_explains_nothing() -> None:
    dialect = sa.make_url("oracle://").get_dialect()()
    with pytest.raises(UnsupportedCompilationError, match="explain"):
        explain(sa.select(sa.literal(1))).compile(dialect=dialect)


def test_mysql_is_asked_for_a_table_since_its_default_may_be_a_tree() -> None:
    dialect = sa.make_url("mysql+pymysql://").get_dialect()()
    statement = explain(sa.select(sa.literal_column("1"))).compile(dialect=dialect)
    assert "EXPLAIN FORMAT=TRADITIONAL SELECT 1" == str(statement)


# How each database tells what it has read.


def reads(engine: sa.Engine) -> dict[str, int]:
    """Return how much each query of a day reads: rows, or on SQLite the steps of its machine."""
    with engine.connect() as connection:
        return {
            query.figure: READS[engine.dialect.name](connection, query)
            for query in queries(engine, 1440)
        }


class analyze(explain):  # noqa: N801 - named like the SQL it stands for
    """A plan with what happened when the statement was run."""

    inherit_cache = False


@compiles(analyze, "postgresql")
def _analyze(element: analyze, compiler: SQLCompiler, **kw: Any) -> str:
    return f"EXPLAIN (ANALYZE, FORMAT JSON) {compiler.process(element.statement, **kw)}"


def postgresql_reads(connection: sa.Connection, query: Query) -> int:
    cursor: Any = connection.execute(analyze(query.statement), query.parameters).cursor
    [[[whole]]] = cursor.fetchall()
    read = ("Actual Rows", "Rows Removed by Filter")
    return sum(
        node["Actual Loops"] * sum(node.get(rows, 0) for rows in read)
        for node in nodes(whole["Plan"])
        if "Relation Name" in node
    )


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def mysql_reads(connection: sa.Connection, query: Query) -> int:
    connection.exec_driver_sql("FLUSH STATUS")
    query.run(connection).all()
    counters = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'")
    return sum(int(value) for _, value in counters)


def sqlite_reads(connection: sa.Connection, query: Query) -> int:
    driver: Any = connection.connection.driver_connection
    steps: list[None] = []
    driver.set_progress_handler(lambda: steps.append(None), 1)
    query.run(connection).all()
    driver.set_progress_handler(None, 0)
    return len(steps)


READS = {
    "postgresql": postgresql_reads,
    "mariadb": mysql_reads,
    "mysql": mysql_reads,
    "sqlite": sqlite_reads,
}


# How each database says that it reads an index and no row behind it.


def postgresql_kinds(plan: Sequence[Mapping[str, Any]]) -> list[str]:
    [[whole]] = (row["QUERY PLAN"] for row in plan)
    return [node["Node Type"] for node in nodes(whole["Plan"]) if "Relation Name" in node]


def mysql_kinds(plan: Sequence[Mapping[str, Any]]) -> list[str]:
    extras = [row["Extra"].split("; ") for row in plan if row["table"] == "tasks"]
    return ["Using index" if "Using index" in extra else str(extra) for extra in extras]


def sqlite_kinds(plan: Sequence[Mapping[str, Any]]) -> list[str]:
    readings = [row["detail"].split(" ix_")[0] for row in plan]
    return [reading for reading in readings if " tasks USING " in reading]


KINDS = {
    "postgresql": postgresql_kinds,
    "mariadb": mysql_kinds,
    "mysql": mysql_kinds,
    "sqlite": sqlite_kinds,
}
INDEX_ALONE = {
    "postgresql": "Index Only Scan",
    "mariadb": "Using index",
    "mysql": "Using index",
    "sqlite": "SEARCH tasks USING COVERING INDEX",
}
