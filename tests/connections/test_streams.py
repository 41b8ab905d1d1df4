"""A connection is as usable after rows were streamed as before, however that ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import sqlalchemy as sa

from flask_task_metrics import MetricsUnavailable
from tests.support.databases import on
from tests.support.host import Task, snapshot_of
from tests.support.tasks import END, codes_of, failed

ROWS = 1_000
"""So many rows do not come in one batch."""

CONNECTION_ID = {
    "postgresql": "SELECT pg_backend_pid()",
    "mariadb": "SELECT connection_id()",
    "mysql": "SELECT connection_id()",
}
END_CONNECTION = {
    "postgresql": "SELECT pg_terminate_backend({})",
    "mariadb": "KILL {}",
    "mysql": "KILL {}",
}


@pytest.fixture
def pooled(engine: sa.Engine, database_url: str) -> Iterator[sa.Engine]:
    """Yield an engine of one connection, on a table with many errors."""
    with engine.begin() as connection:
        texts = (f"{chr(97 + n // 26 % 26)}{chr(97 + n % 26)} broke, {n}" for n in range(ROWS))
        connection.execute(sa.insert(Task), [failed(text, updated_at=END) for text in texts])
    pooled = sa.create_engine(database_url, pool_size=1, max_overflow=0)
    yield pooled
    pooled.dispose()


def after(calls: int, act: Callable[[], object]) -> Callable[[str], None]:
    """Return a host's function that acts in one of its calls."""
    left = [calls]

    def code_of(message: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            act()

    return code_of


def connection_id(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        found: int = connection.exec_driver_sql(CONNECTION_ID[engine.dialect.name]).scalar_one()
    return found


@pytest.mark.parametrize("calls", [1, 250, ROWS, ROWS + 1])
def test_a_host_s_error_in_the_middle_leaves_the_connection_usable(
    pooled: sa.Engine, calls: int
) -> None:
    def fail() -> None:
        raise LookupError

    with suppress(LookupError):
        snapshot_of(pooled, error_code_of=after(calls, fail))
    assert ROWS == snapshot_of(pooled).tasks.failed


def test_rows_that_are_left_when_all_samples_are_found_are_dropped(pooled: sa.Engine) -> None:
    expected = codes_of(snapshot_of(pooled, TASK_METRICS_TOP_ERRORS=1))
    assert 1 == len(expected)
    assert expected == codes_of(snapshot_of(pooled, TASK_METRICS_TOP_ERRORS=1))


@on("mariadb", "mysql", "postgresql", "postgresql-by-url")
def test_a_connection_lost_in_the_middle_is_unavailable_and_leaves_no_trace(
    engine: sa.Engine, pooled: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    lost = connection_id(pooled)
    # Messages that the sockets' buffers can't hold, so that some are still to be sent.
    long = [failed(f"{n} " + "😀" * 990, updated_at=END) for n in range(4 * ROWS)]
    with engine.begin() as connection:
        connection.execute(sa.insert(Task), long)

    def end() -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(END_CONNECTION[engine.dialect.name].format(lost))

    with pytest.raises(MetricsUnavailable):
        snapshot_of(pooled, error_code_of=after(250, end))
    assert ROWS + len(long) == snapshot_of(pooled).tasks.failed
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]
