"""Whatever fails, the next answer under gunicorn is right, without a restart, and nothing is left.

Nothing here heals before the answers are there, so an answer that waits for it never comes.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support import faults
from tests.support.databases import created_database, run, started_standby, url_of
from tests.support.faults import Fault
from tests.support.host import HEADERS, PATH
from tests.support.relay import relay_to
from tests.support.servers import STARTED, PostgreSQL, Server
from tests.support.site import (
    OPTIONS,
    RIGHT,
    WAITING,
    Site,
    create_tasks,
    prepared_database,
    snapshot_at,
    started_gunicorn,
    started_site,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

UNAVAILABLE = (503, "METRICS_UNAVAILABLE")
TIMEOUT = (503, "METRICS_TIMEOUT")
BUSY = (503, "METRICS_BUSY")
ERROR = (500, "METRICS_ERROR")

ANSWERS: dict[Fault, tuple[int, int | str]] = {
    faults.stopped_server: UNAVAILABLE,
    faults.killed_server: UNAVAILABLE,
    faults.frozen_server: UNAVAILABLE,
    faults.silent_network: UNAVAILABLE,
    faults.silent_connects: UNAVAILABLE,
    faults.exhausted_pools: UNAVAILABLE,
    faults.no_connection_left: UNAVAILABLE,
    faults.locked_table: TIMEOUT,
    faults.dropped_table: ERROR,
    faults.revoked_rights: ERROR,
}
"""The answer while a fault lasts."""

PATIENT_ANSWERS: dict[Fault, tuple[int, int | str]] = {
    faults.silent_idle_connections: RIGHT,
    faults.strict_user: TIMEOUT,
}
"""The answer of a host that waits longer than the fault does."""

HANGS: list[Fault] = [
    faults.frozen_server,
    faults.silent_network,
    faults.exhausted_pools,
    faults.locked_table,
]

MARKED = {name: pytest.param(name, marks=pytest.mark.database(name)) for name in STARTED}


def name_of(fault: Fault) -> str:
    return fault.__name__


@pytest.fixture(scope="module", params=MARKED.values())
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with STARTED[request.param]() as server:
        yield server


@pytest.fixture(scope="module", params=OPTIONS)
def worker_class(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def site(
    server: Server, worker_class: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with started_site(server, worker_class, tmp_path_factory.mktemp("site") / "log") as site:
        yield site


@pytest.mark.parametrize("fault", ANSWERS, ids=name_of)
def test_a_fault_is_answered_in_time_and_the_first_answer_after_it_is_right(
    site: Site, fault: Fault
) -> None:
    assert RIGHT == site.snapshot()
    with fault(site):
        assert ANSWERS[fault] == site.snapshot()
    site.check_recovered()


@pytest.mark.parametrize("fault", PATIENT_ANSWERS, ids=name_of)
def test_a_fault_that_ends_sooner_than_the_deadline_is_answered_sooner(
    site: Site, fault: Fault
) -> None:
    assert RIGHT == site.snapshot(host="/patient")
    with fault(site):
        assert PATIENT_ANSWERS[fault] == site.snapshot(host="/patient")
    site.check_recovered()


@contextmanager
def waiting_snapshot(site: Site, *, host: str = "") -> Iterator[Future[tuple[int, int | str]]]:
    """Ask for a snapshot, which waits for a lock while the block runs."""
    with ThreadPoolExecutor() as clients, faults.locked_table(site):
        answer = clients.submit(site.snapshot, host=host)
        wait_until(lambda: site.count(WAITING))
        yield answer


def test_a_network_that_falls_silent_in_a_statement_is_a_timeout(site: Site) -> None:
    with waiting_snapshot(site) as answer, faults.silent_network(site):
        assert TIMEOUT == answer.result()
    site.check_recovered()


def test_a_killed_worker_leaves_its_statement_to_the_deadline(site: Site) -> None:
    before = site.process()
    with waiting_snapshot(site) as answer:
        os.kill(before["pid"], signal.SIGKILL)
        assert isinstance(answer.exception(), HTTPException | OSError)
        wait_until(lambda: site.count(WAITING) == 0)
    site.check_recovered()


def test_a_reload_lets_a_snapshot_end(site: Site) -> None:
    before = site.process()

    def has_new_worker() -> bool:
        # gunicorn may reset a connection that the old worker has accepted and not read from.
        with suppress(OSError, HTTPException):
            return site.process()["pid"] != before["pid"]
        return False

    with waiting_snapshot(site, host="/patient") as answer:
        os.kill(before["parent"], signal.SIGHUP)
        wait_until(has_new_worker)
    assert RIGHT == answer.result()
    site.check_recovered()


def test_a_client_that_goes_away_leaves_its_statement_to_the_deadline(site: Site) -> None:
    with faults.locked_table(site):
        with socket.create_connection(("127.0.0.1", site.port)) as client:
            headers = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
            client.sendall(f"GET {PATH} HTTP/1.1\r\nHost: host\r\n{headers}\r\n".encode())
            wait_until(lambda: site.count(WAITING))
        wait_until(lambda: site.count(WAITING) == 0)
    site.check_recovered()


@pytest.mark.parametrize("fault", HANGS, ids=name_of)
@pytest.mark.parametrize("worker_class", ["gthread", "gevent"], indirect=True)
def test_the_rest_of_a_host_is_answered_while_a_crowd_waits(site: Site, fault: Fault) -> None:
    with ThreadPoolExecutor(40) as clients:
        with fault(site):
            polls = [
                clients.submit(site.snapshot, minutes, host="/patient")
                for minutes in (*[60] * 20, *range(1, 21))
            ]
            wait_until(lambda: sum(poll.done() for poll in polls) == 30)
            refused = [poll for poll in polls if poll.done()]
            assert 200 == site.request("GET", "/patient/process")[0]
            assert 30 == sum(poll.done() for poll in polls)
        assert [BUSY] * 30 == [poll.result() for poll in refused]
        assert [RIGHT] * 10 == [poll.result() for poll in polls if poll not in refused]
    site.check_recovered()


@pytest.mark.parametrize("server", [MARKED["postgresql"]], indirect=True)
def test_a_replica_that_is_promoted_is_read_on(server: PostgreSQL, tmp_path: Path) -> None:
    with (
        created_database(server.url) as url,
        prepared_database(url),
        started_standby(server.cluster) as standby,
        ExitStack() as stack,
    ):
        replica = url_of(standby).set(database=url.database)
        ports = [
            stack.enter_context(started_gunicorn(replica, name, tmp_path / name))
            for name in OPTIONS
        ]
        assert [RIGHT] * 3 == [snapshot_at(port) for port in ports]
        promoted = sa.create_engine(replica, poolclass=sa.NullPool)
        run(promoted, "SELECT pg_promote()")
        create_tasks(promoted)
        assert [(200, 2)] * 3 == [snapshot_at(port) for port in ports]


@pytest.mark.database("sqlite")
def test_a_replaced_sqlite_file_is_read_at_once(worker_class: str, tmp_path: Path) -> None:
    before, after = (sa.make_url(f"sqlite:///{tmp_path / name}") for name in ("tasks.db", "new.db"))
    for url in (before, after, after):
        create_tasks(engine := sa.create_engine(url))
        engine.dispose()
    with started_gunicorn(before, worker_class, tmp_path / "log") as port:
        assert RIGHT == snapshot_at(port)
        (tmp_path / "new.db").replace(tmp_path / "tasks.db")
        assert (200, 2) == snapshot_at(port)


@pytest.mark.database("postgresql")
def test_a_driver_that_blocks_gevent_is_freed_from_a_silent_connection(tmp_path: Path) -> None:
    with (
        STARTED["postgresql"]() as server,
        created_database(server.url) as url,
        prepared_database(url),
        relay_to(url.set(drivername="postgresql+psycopg2", username="host")) as (relay, relayed),
        started_gunicorn(relayed, "gevent", tmp_path / "log") as port,
    ):
        assert RIGHT == snapshot_at(port, f"/patient{PATH}")
        relay.silence(new_connections=True)
        assert RIGHT == snapshot_at(port, f"/patient{PATH}")
