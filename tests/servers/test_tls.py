"""Through TLS, a database that does not answer holds nobody beyond the deadline either."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.databases import on, program
from tests.support.example import free_port
from tests.support.host import engine_of
from tests.support.http import TIMEOUT, UNAVAILABLE, host_client, problem, queued
from tests.support.pgbouncer import started_pgbouncer
from tests.support.relay import relay_to, silenced_at_first_figure

# Without verification, since nothing signs the certificate of a test.
TLS: dict[str, dict[str, Any]] = {
    "psycopg": {"sslmode": "require", "prepare_threshold": None},
    "psycopg2": {"sslmode": "require"},
    "pymysql": {"ssl": {"verify_mode": "none"}},
    "mysqldb": {"ssl_mode": "REQUIRED"},
}
"""The connect arguments of each driver. A driver of PostgreSQL refuses a server without TLS."""


@on("mysql")
def test_deadline_holds_through_tls_on_mysql(database_url: str) -> None:
    url = sa.make_url(database_url)
    encrypted = sa.create_engine(
        url, connect_args=TLS[url.get_driver_name()], poolclass=sa.NullPool
    )
    with encrypted.connect() as connection:
        assert connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_cipher'").one()[1]
    check_deadline(url)


@pytest.mark.slow
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@on("postgresql")
def test_deadline_holds_through_tls_on_postgresql(database_url: str, driver: str) -> None:
    # The server that the tests start was built without TLS.
    with encrypting_pgbouncer(sa.make_url(database_url)) as url:
        check_deadline(url.set(drivername=f"postgresql+{driver}"))


def check_deadline(url: sa.URL) -> None:
    options = {"connect_args": TLS[url.get_driver_name()]}
    with (
        relay_to(url) as (relay, relayed),
        host_client(
            relayed, TASK_METRICS_TIMEOUT_MS=2000, SQLALCHEMY_ENGINE_OPTIONS=options
        ) as client,
    ):
        assert 1 == queued(client)
        relay.silence(new_connections=True)
        assert 1 == queued(client)
        with silenced_at_first_figure(relay, engine_of(client.application)):
            assert TIMEOUT == problem(client)
        assert UNAVAILABLE == problem(client)
        relay.heal()
        assert 1 == queued(client)


@contextmanager
def encrypting_pgbouncer(server: sa.URL) -> Iterator[sa.URL]:
    """Start PgBouncer before a server on a socket, and yield the URL of its port for TLS."""
    port = free_port()
    tls = {"client_tls_sslmode": "allow", "listen_addr": "127.0.0.1", "listen_port": port}
    with (
        certificate_for(Path(str(server.query["host"])).owner()) as files,
        started_pgbouncer(server, **tls, **files, default_pool_size=5),
    ):
        yield server.set(host="127.0.0.1", port=port, query={})


@contextmanager
def certificate_for(user: str) -> Iterator[dict[str, Path]]:
    """Yield the files of a certificate and its key, by PgBouncer's names, that a user may read."""
    with TemporaryDirectory() as name:
        key, certificate = Path(name) / "key.pem", Path(name) / "certificate.pem"
        subprocess.run(
            [
                *(program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
                *("-subj", "/CN=localhost", "-keyout", key, "-out", certificate),
            ],
            check=True,
            capture_output=True,
        )
        for path in (name, key, certificate):
            shutil.chown(path, user)
        yield {"client_tls_key_file": key, "client_tls_cert_file": certificate}
