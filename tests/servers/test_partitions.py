"""Of a table that is partitioned by the day its tasks were created, a snapshot can leave the days
before the window alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from flask_task_metrics import TaskSource
from tests.support.databases import on
from tests.support.host import NOW, Task, snapshot_of

pytestmark = on("postgresql", "postgresql-by-url")

DAYS = [NOW.date() - timedelta(days=age) for age in range(5)]
LIVE = {f"day_{age}" for age in (0, 1)}
CLOSED = {f"day_{age}" for age in (2, 3, 4)}

CLOSE = """ALTER TABLE {partition}
    ADD CHECK (updated_at < '{end}'),
    ADD CHECK (completed_at < '{end}'),
    ADD CHECK (status NOT IN ('queued', 'processing'))"""
"""What holds of a day none of whose tasks will change any more."""

SCANNED = """SELECT relname FROM pg_stat_xact_user_tables
    WHERE coalesce(seq_scan, 0) + coalesce(idx_scan, 0) > 0"""


@pytest.fixture(params=[False, True], ids=["timestamp", "timestamptz"])
def tasks(request: pytest.FixtureRequest, engine: sa.Engine) -> sa.Table:
    """Return a partitioned table, with timestamps of each kind, that had tasks on every day."""
    timestamp = sa.DateTime(timezone=request.param)
    columns = [
        sa.Column(c.name, timestamp if c.name.endswith("_at") else c.type)
        for c in Task.__table__.columns
    ]
    tasks = sa.Table(
        "all_days", sa.MetaData(), *columns, postgresql_partition_by="RANGE (created_at)"
    )
    for name in ("created_at", "updated_at", "completed_at"):
        sa.Index(None, tasks.c[name])
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL TimeZone = 'UTC'")
        tasks.create(connection)
        for age, day in enumerate(DAYS):
            connection.exec_driver_sql(
                f"CREATE TABLE day_{age} PARTITION OF all_days "
                f"FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
            )
        connection.execute(tasks.insert(), [task for age in range(5) for task in tasks_of(age)])
    return tasks


def tasks_of(days_ago: int) -> Iterator[dict[str, Any]]:
    """Yield a task that came on a day and was completed, and one that failed."""
    at = (NOW - timedelta(days=days_ago, minutes=30)).replace(tzinfo=None)
    ended = {"created_at": at, "processing_at": at, "updated_at": at}
    yield ended | {"status": "completed", "completed_at": at, "error_message": None}
    yield ended | {"status": "failed", "completed_at": None, "error_message": "NO_ANSWER"}


def a_day_ago() -> datetime:
    return (NOW - timedelta(days=1)).replace(tzinfo=None)


def source_of_a_day(tasks: sa.Table) -> TaskSource:
    """Return the tasks that were created since a moment that each snapshot asks for anew."""
    since = sa.bindparam("since", callable_=a_day_ago, type_=sa.DateTime())
    return TaskSource(sa.select(tasks).where(tasks.c.created_at >= since))


def close_days(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL TimeZone = 'UTC'")
        for age in (2, 3, 4):
            end = DAYS[age] + timedelta(days=1)
            connection.exec_driver_sql(CLOSE.format(partition=f"day_{age}", end=end))


@contextmanager
def partitions_read(engine: sa.Engine) -> Iterator[set[str]]:
    """Yield the partitions that the transactions of an engine scan, as PostgreSQL itself counts."""
    read: set[str] = set()

    def look(connection: sa.Connection) -> None:
        driver: Any = connection.connection.driver_connection
        read.update(name for (name,) in driver.execute(SCANNED))

    # What the connection has done before would be counted too.
    engine.dispose()
    event.listen(engine, "rollback", look)
    yield read
    event.remove(engine, "rollback", look)


def test_the_figures_are_those_of_all_partitions(engine: sa.Engine, tasks: sa.Table) -> None:
    with partitions_read(engine) as read:
        snapshot = snapshot_of(engine, tasks, minutes=1440)
    assert (2, 1, 1) == (snapshot.tasks.created, snapshot.tasks.completed, snapshot.tasks.failed)
    assert LIVE | CLOSED == read


def test_a_source_of_the_last_day_reads_no_partition_before_it(
    engine: sa.Engine, tasks: sa.Table
) -> None:
    whole = snapshot_of(engine, tasks)
    with partitions_read(engine) as read:
        assert whole == snapshot_of(engine, source_of_a_day(tasks))
    assert LIVE == read


def test_a_partition_whose_constraints_say_that_its_tasks_have_ended_is_not_read(
    engine: sa.Engine, tasks: sa.Table
) -> None:
    whole = snapshot_of(engine, tasks)
    close_days(engine)
    with partitions_read(engine) as read:
        assert whole == snapshot_of(engine, tasks)
    assert LIVE == read
