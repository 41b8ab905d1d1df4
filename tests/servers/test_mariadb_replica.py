"""A snapshot is read from a replica of MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from tests.support.databases import run
from tests.support.host import Base, add_tasks, snapshot_of
from tests.support.mariadb import MariaDBServer, started_primary_and_replica
from tests.support.replicas import failed_tasks, replica_host, scalar
from tests.support.sessions import after_each_select
from tests.support.tasks import COMPLETED, FAILED, failed_now
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.database("mariadb"), pytest.mark.slow]

READER = ("CREATE USER reader@localhost", "GRANT SELECT ON hosted.* TO reader@localhost")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[MariaDBServer, MariaDBServer]]:
    """Yield a primary, which a test may stop, and its replica."""
    with started_primary_and_replica() as servers:
        yield servers


@pytest.fixture
def primary(servers: tuple[MariaDBServer, MariaDBServer]) -> Iterator[sa.Engine]:
    server, _ = servers
    administrator = sa.create_engine(server.url, poolclass=sa.NullPool)
    run(administrator, "CREATE DATABASE hosted", *READER)
    engine = sa.create_engine(server.url.set(database="hosted"))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()
    run(administrator, "DROP DATABASE hosted", "DROP USER reader@localhost")


@pytest.fixture
def replica(
    servers: tuple[MariaDBServer, MariaDBServer], primary: sa.Engine
) -> Iterator[sa.Engine]:
    """Yield an engine of a user who may only read."""
    _, server = servers
    engine = sa.create_engine(server.url.set(database="hosted", username="reader"))
    yield engine
    engine.dispose()


@pytest.fixture
def applier(
    servers: tuple[MariaDBServer, MariaDBServer], replica: sa.Engine
) -> Iterator[sa.Engine]:
    """Yield an engine of the replica's administrator."""
    _, server = servers
    engine = sa.create_engine(server.url)
    yield engine
    engine.dispose()


def wait_for_replay(primary: sa.Engine, applier: sa.Engine) -> None:
    written = scalar(primary, "SELECT @@gtid_binlog_pos")
    assert 0 == scalar(applier, "SELECT MASTER_GTID_WAIT(%(written)s, 30)", written=written)


def test_the_replica_gives_the_figures_of_the_primary(
    primary: sa.Engine, replica: sa.Engine, applier: sa.Engine
) -> None:
    add_tasks(primary, COMPLETED, FAILED)
    wait_for_replay(primary, applier)
    assert 1 == snapshot_of(primary).tasks.failed
    assert snapshot_of(primary) == snapshot_of(replica)


def test_a_replica_that_lags_is_read_and_not_the_primary(
    primary: sa.Engine, replica: sa.Engine, applier: sa.Engine
) -> None:
    add_tasks(primary, failed_now())
    wait_for_replay(primary, applier)
    with replica_host(primary, replica) as app:
        with replay_paused(applier):
            add_tasks(primary, failed_now())
            assert 1 == failed_tasks(app)
        wait_for_replay(primary, applier)
        assert 2 == failed_tasks(app)


@contextmanager
def replay_paused(applier: sa.Engine) -> Iterator[None]:
    run(applier, "STOP SLAVE SQL_THREAD")
    try:
        yield
    finally:
        run(applier, "START SLAVE SQL_THREAD")


def test_the_replica_answers_while_the_primary_is_down(
    servers: tuple[MariaDBServer, MariaDBServer],
    primary: sa.Engine,
    replica: sa.Engine,
    applier: sa.Engine,
) -> None:
    add_tasks(primary, failed_now())
    wait_for_replay(primary, applier)
    server, _ = servers
    with replica_host(primary, replica) as app:
        primary.dispose()
        server.stop()
        try:
            assert 1 == failed_tasks(app)
        finally:
            server.start()


def test_what_is_replayed_meanwhile_is_in_no_figure(
    primary: sa.Engine, replica: sa.Engine, applier: sa.Engine
) -> None:
    add_tasks(primary, COMPLETED, FAILED)
    wait_for_replay(primary, applier)
    before = snapshot_of(replica)

    def write() -> None:
        add_tasks(primary, COMPLETED, FAILED)
        wait_for_replay(primary, applier)

    with after_each_select(replica, write):
        assert before == snapshot_of(replica)
    assert before.tasks.failed < snapshot_of(replica).tasks.failed


def test_a_change_of_the_table_waits_for_the_snapshot(
    primary: sa.Engine, replica: sa.Engine, applier: sa.Engine
) -> None:
    add_tasks(primary, COMPLETED, FAILED)
    wait_for_replay(primary, applier)
    waiting = """SELECT count(*) FROM information_schema.processlist
        WHERE user = 'system user' AND state = 'Waiting for table metadata lock'"""

    def change() -> None:
        run(primary, "ALTER TABLE tasks COMMENT 'changed'")
        wait_until(lambda: scalar(applier, waiting))

    with after_each_select(replica, change):
        assert 1 == snapshot_of(replica).tasks.failed
    wait_for_replay(primary, applier)
