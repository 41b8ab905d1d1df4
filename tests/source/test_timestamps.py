"""Timestamps of every type are read in UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import MetricsError, TaskSource
from tests.support.column_types import AWARE, UtcTimestamp
from tests.support.databases import on
from tests.support.host import Timestamp, snapshot_of
from tests.support.jobs import EXPECTED, TASKS, job_table, store, timestamps
from tests.support.oracle import TaskRow, expected_snapshot, in_utc
from tests.support.tasks import WINDOW


def set_of_task(engine: sa.Engine, column: sa.Column[Any], task: TaskRow, value: Any) -> None:
    """Write a value into a column of the row that a task is stored in."""
    table = column.table
    assert isinstance(table, sa.Table)
    with engine.begin() as connection:
        connection.execute(
            sa.update(table).where(table.c.id == task.id).values({column.name: value})
        )


def test_timestamps_may_be_aware(engine: sa.Engine) -> None:
    table = job_table(**timestamps(AWARE))
    store(engine, table, **timestamps(in_utc))
    assert EXPECTED == snapshot_of(engine, TaskSource(table, request_id="request_id"))


def test_some_timestamps_may_be_aware(engine: sa.Engine) -> None:
    table = job_table(created_at=AWARE, completed_at=AWARE)
    store(engine, table, created_at=in_utc, completed_at=in_utc)
    assert EXPECTED == snapshot_of(engine, TaskSource(table, request_id="request_id"))


def test_timestamps_may_have_a_type_of_the_host_s_own(engine: sa.Engine) -> None:
    table = job_table(**timestamps(UtcTimestamp()))
    store(engine, table, **timestamps(in_utc))
    assert EXPECTED == snapshot_of(engine, TaskSource(table, request_id="request_id"))


def test_timestamps_may_lack_fractions(engine: sa.Engine) -> None:
    table = job_table(**timestamps(sa.DateTime()))
    store(engine, table)
    assert EXPECTED == snapshot_of(engine, TaskSource(table, request_id="request_id"))


MYSQL_IN_KOLKATA = ("SELECT @@time_zone", {"init_command": "SET time_zone = '+05:30'"})
KOLKATA = {
    "postgresql": ("SHOW TimeZone", {"options": "-c TimeZone=Asia/Kolkata"}),
    "mariadb": MYSQL_IN_KOLKATA,
    "mysql": MYSQL_IN_KOLKATA,
}

with_time_zones = on("postgresql", "mariadb", "mysql", "postgresql-by-url")


@pytest.fixture
def engine_in_kolkata(database_url: str) -> Iterator[sa.Engine]:
    """Yield an engine with one connection, whose session's time zone is not UTC."""
    url = sa.make_url(database_url)
    _, connect_args = KOLKATA[url.get_backend_name()]
    engine = sa.create_engine(url, connect_args=connect_args, pool_size=1, max_overflow=0)
    yield engine
    engine.dispose()


def session_time_zone(engine: sa.Engine) -> Any:
    query, _ = KOLKATA[engine.dialect.name]
    with engine.connect() as connection:
        return connection.exec_driver_sql(query).scalar_one()


@with_time_zones
@pytest.mark.parametrize(
    ("column_type", "stored"),
    [(Timestamp, lambda moment: moment), (AWARE, in_utc)],
    ids=["naive", "aware"],
)
def test_session_time_zone_changes_no_figure(
    engine: sa.Engine,
    engine_in_kolkata: sa.Engine,
    column_type: Any,
    stored: Callable[[datetime], datetime],
) -> None:
    table = job_table(**timestamps(column_type))
    store(engine, table, **timestamps(stored))
    source = TaskSource(table, request_id="request_id")
    assert EXPECTED == snapshot_of(engine_in_kolkata, source)


@with_time_zones
def test_session_time_zone_is_left_as_it_was(
    engine: sa.Engine, engine_in_kolkata: sa.Engine
) -> None:
    table = job_table()
    store(engine, table)
    before = session_time_zone(engine_in_kolkata)
    snapshot_of(engine_in_kolkata, table)
    assert before == session_time_zone(engine_in_kolkata)


@on("sqlite")
@pytest.mark.parametrize(
    "written",
    [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M:%S.%f",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%dT%H:%M:%S.000Z",
        "%Y-%m-%dT%H:%M:%S.%f+00:00",
    ],
)
def test_text_in_sqlite_is_a_timestamp_with_or_without_t_fraction_and_z(
    engine: sa.Engine, written: str
) -> None:
    text = job_table(**timestamps(sa.String(40)))
    store(engine, text, **timestamps(lambda moment: moment.strftime(written)))
    assert EXPECTED == snapshot_of(engine, TaskSource(job_table(), request_id="request_id"))


READ_HOWEVER_OLD = [
    ("created_at", TASKS[0]),
    ("created_at", TASKS[5]),
    ("processing_at", TASKS[0]),
    ("processing_at", TASKS[6]),
    ("updated_at", TASKS[7]),
]

READ_IN_THE_WINDOW = [
    ("created_at", TASKS[10]),
    ("completed_at", TASKS[0]),
    ("updated_at", TASKS[0]),
    ("updated_at", TASKS[2]),
]
"""Timestamps that are not come upon where their text sorts before the window."""


@on("sqlite")
@pytest.mark.parametrize(
    ("text", "column", "task"),
    [
        *(("1769763600", *read) for read in READ_HOWEVER_OLD),
        *(("garbage", *read) for read in READ_HOWEVER_OLD + READ_IN_THE_WINDOW),
        *(("2026-01-30T11:30:00+02:00", *read) for read in READ_HOWEVER_OLD + READ_IN_THE_WINDOW),
        # In the usual form, but for what they say.
        *(("2026-01-30 09:60:00.000000", *read) for read in READ_HOWEVER_OLD + READ_IN_THE_WINDOW),
        *(("2026-13-30 09:30:00.000000", *read) for read in READ_HOWEVER_OLD + READ_IN_THE_WINDOW),
        *(("202x-01-30 09:30:00.000000", *read) for read in READ_HOWEVER_OLD + READ_IN_THE_WINDOW),
    ],
    ids=lambda value: f"{value.status}" if isinstance(value, TaskRow) else value,
)
def test_text_in_sqlite_that_is_not_utc_is_an_error_until_it_is_mended(
    engine: sa.Engine, text: str, column: str, task: TaskRow
) -> None:
    table = job_table(**timestamps(sa.String(40)))
    store(engine, table, **timestamps(str))
    source = TaskSource(job_table(), request_id="request_id")
    set_of_task(engine, table.c[column], task, text)
    with pytest.raises(MetricsError, match=column):
        snapshot_of(engine, source)
    moment = getattr(task, column)
    set_of_task(engine, table.c[column], task, moment and str(moment))
    assert EXPECTED == snapshot_of(engine, source)


@on("sqlite")
def test_text_in_sqlite_may_have_both_forms_in_one_column(engine: sa.Engine) -> None:
    def text(moment: datetime) -> str:
        return moment.isoformat(" " if moment.minute % 2 else "T")

    tasks = [replace(task, error_message="NO_ANSWER") for task in TASKS]
    store(engine, job_table(**timestamps(sa.String(40))), tasks, **timestamps(text))
    source = TaskSource(job_table(), request_id="request_id")
    assert expected_snapshot(tasks, WINDOW) == snapshot_of(engine, source)
