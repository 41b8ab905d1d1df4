"""MySQL and MariaDB read a window as ranges of the recommended indexes, whether it is a half of the
table or a hundredth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskSource, Window, recommended_indexes
from flask_task_metrics.figures import (
    Breakdown,
    Collector,
    Grouping,
    Query,
    SeriesCollector,
    with_filter,
)
from flask_task_metrics.figures.grouping import places_of
from flask_task_metrics.figures.query import with_values
from flask_task_metrics.source import STATUSES
from tests.support.column_types import NumberStatus
from tests.support.databases import on
from tests.support.host import NOW
from tests.support.jobs import TIMESTAMPS, job_table
from tests.support.plans import plan_of

MINUTES_OF_A_DAY = 1440
TASKS = 10_000
ENDS = ["completed"] * 8 + ["failed", "cancelled"]
"""How each ten tasks end."""

NUMBERS = {status: NumberStatus[status.upper()] for status in STATUSES}


def ended_tasks(days: int) -> Iterator[dict[str, Any]]:
    """Yield tasks that came evenly over some days, and ended at once."""
    for number in range(TASKS):
        at = NOW.replace(tzinfo=None) - number * timedelta(days=days) / TASKS
        yield {"status": ENDS[number % 10], **dict.fromkeys(TIMESTAMPS, at)}


def indexed_jobs(
    engine: sa.Engine,
    days: int,
    column_type: sa.types.TypeEngine[Any],
    statuses: Any = None,
    *dimensions: str,
) -> TaskSource:
    """Create a table of tasks of some days, with the recommended indexes."""
    table = job_table(status=column_type)
    source = TaskSource(table, statuses=statuses, dimensions=dimensions)
    for index in recommended_indexes(source, *dimensions):
        table.append_constraint(index)
    table.create(engine)
    tasks = [task | {"status": source.statuses[task["status"]][0]} for task in ended_tasks(days)]
    with engine.begin() as connection:
        connection.execute(sa.insert(table), tasks)
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE TABLE jobs")
    return source


def readings(engine: sa.Engine, source: TaskSource, **where: Any) -> dict[str, list[str]]:
    """Return the kinds of access by which each query of a day reads the table."""
    window = Window.ending(NOW, MINUTES_OF_A_DAY)
    chosen = source.filter_of(where)
    source = source.filtered(chosen.shape)
    collector = Collector.of(source, engine.dialect)
    queries = collector.queries(window) + queries_before(collector, window)
    queries += SeriesCollector.of(source, engine.dialect).queries(window, points=288)
    with engine.connect() as connection:
        with_filter(connection, chosen)
        return {query.figure: accesses(connection, query) for query in queries}


def queries_before(collector: Collector, window: Window) -> list[Query]:
    """Return the queries of the day before, which read the same indexes."""
    assert collector.errors
    counts, latencies, *_ = collector.previous.queries(window)
    named = replace(latencies, figure="latencies before")
    return [counts, named, collector.errors.query_before(window)]


def accesses(connection: sa.Connection, query: Query) -> list[str]:
    return [
        f"{row['type']} of the index alone"
        if "Using index" in str(row["Extra"]).split("; ")
        else row["type"]
        for row in plan_of(connection, query)
        if row["table"] == "jobs"
    ]


@pytest.mark.slow
@on("mariadb", "mysql")
@pytest.mark.parametrize("days", [2, 10, 100])
@pytest.mark.parametrize(
    ("column_type", "statuses"),
    [(sa.String(32), None), (sa.Enum(*STATUSES), None), (sa.Integer(), NUMBERS)],
    ids=["string", "enum", "integer"],
)
def test_a_day_of_many_or_few_is_read_as_ranges_of_the_indexes(
    engine: sa.Engine, days: int, column_type: sa.types.TypeEngine[Any], statuses: Any
) -> None:
    read = readings(engine, indexed_jobs(engine, days, column_type, statuses))
    windows = read["counts"][-len(("created", *STATUSES)) :]
    ended_and_created = read["counts by step"][:4]
    by_step = *ended_and_created, *read["latencies by step"]
    assert {"range of the index alone"} == {*windows, *read["latencies"], *by_step}
    assert "ALL" not in read["counts by step"]
    assert {"range"} == {*read["errors"]}
    # MariaDB looks the processing tasks up.
    stuck, *ended = read["progress"]
    assert stuck in ("range", "ref")
    assert {"range of the index alone"} == {*ended}
    assert {"range of the index alone"} == {*read["counts before"], *read["latencies before"]}
    assert {"range"} == {*read["errors before"]}
    # MariaDB looks a single moment up.
    assert {"range", "ref"} >= {*read["error samples"]}


@on("mariadb", "mysql")
def test_groups_are_read_as_ranges_of_the_indexes_that_end_with_their_column(
    engine: sa.Engine,
) -> None:
    source = indexed_jobs(engine, 10, sa.String(32), None, "request_id")
    grouping = Grouping(source, source.dimensions["request_id"])
    ungrouped = Collector.of(source, engine.dialect)
    breakdown = Breakdown.of(grouping, ungrouped, engine.dialect)
    with engine.connect() as connection:
        with_values(connection, places_of([]))
        queries = breakdown.queries(Window.ending(NOW, MINUTES_OF_A_DAY))
        read = {query.figure: accesses(connection, query) for query in queries}
    windows = read["groups"][-len(("created", *STATUSES)) :]
    assert {"range of the index alone"} == {*windows, *read["latencies of groups"]}
    assert {"range"} == {*read["errors"]}


@on("mariadb", "mysql")
@pytest.mark.parametrize("value", ["x", None])
def test_a_filter_reads_ranges_of_the_indexes_that_end_with_its_column(
    engine: sa.Engine, value: str | None
) -> None:
    source = indexed_jobs(engine, 10, sa.String(32), None, "request_id")
    read = readings(engine, source, request_id=value)
    windows = read["counts"][-len(("created", *STATUSES)) :]
    assert {"range of the index alone"} == {*windows, *read["latencies"]}
