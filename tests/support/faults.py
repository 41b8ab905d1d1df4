"""Faults of a site, each of which heals at the end of its block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import sqlalchemy as sa

from tests.support.disturbances import connected, locked_tasks
from tests.support.host import Base
from tests.support.site import SESSIONS, Site, create_tasks
from tests.support.waiting import wait_until

Fault: TypeAlias = Callable[[Site], AbstractContextManager[None]]

LIMIT_CONNECTIONS = {
    "postgresql": "ALTER ROLE host CONNECTION LIMIT 1",
    "mariadb": "ALTER USER host WITH MAX_USER_CONNECTIONS 1",
}
LIMIT_NO_CONNECTIONS = {
    "postgresql": "ALTER ROLE host CONNECTION LIMIT -1",
    "mariadb": "ALTER USER host WITH MAX_USER_CONNECTIONS 0",
}
LIMIT_STATEMENTS = {
    "postgresql": "ALTER ROLE host SET statement_timeout = 100",
    "mariadb": "ALTER USER host WITH MAX_STATEMENT_TIME 0.1",
}
LIMIT_NO_STATEMENTS = {
    "postgresql": "ALTER ROLE host RESET statement_timeout",
    "mariadb": "ALTER USER host WITH MAX_STATEMENT_TIME 0",
}
REVOKE = {
    "postgresql": "REVOKE pg_read_all_data FROM host",
    "mariadb": "REVOKE SELECT ON tasks FROM host",
}
GRANT = {
    "postgresql": "GRANT pg_read_all_data TO host",
    "mariadb": "GRANT SELECT ON tasks TO host",
}


@contextmanager
def stopped_server(site: Site) -> Iterator[None]:
    """Stop the server."""
    site.server.stop()
    try:
        yield
    finally:
        site.server.start()


@contextmanager
def killed_server(site: Site) -> Iterator[None]:
    """Kill the server."""
    site.server.kill()
    try:
        yield
    finally:
        site.server.start()


def frozen_server(site: Site) -> AbstractContextManager[None]:
    """Freeze the server."""
    return site.server.frozen()


@contextmanager
def silent_network(site: Site) -> Iterator[None]:
    """Let the network lose every packet."""
    site.relay.silence(new_connections=False)
    try:
        yield
    finally:
        site.relay.heal()


@contextmanager
def silent_connects(site: Site) -> Iterator[None]:
    """Let the network lose every packet, with no connection in the pools."""
    site.reconnect()
    with silent_network(site):
        yield


@contextmanager
def silent_idle_connections(site: Site) -> Iterator[None]:
    """Let the network forget the connections that there are."""
    site.relay.silence(new_connections=True)
    try:
        yield
    finally:
        site.relay.heal()


@contextmanager
def exhausted_pools(site: Site) -> Iterator[None]:
    """Hold all connections of the hosts' pools."""
    for host in ("", "/patient"):
        site.request("POST", f"{host}/held")
    try:
        yield
    finally:
        for host in ("", "/patient"):
            site.request("DELETE", f"{host}/held")


@contextmanager
def locked_table(site: Site) -> Iterator[None]:
    """Lock the table against readers."""
    with locked_tasks(site.admin.url):
        yield


@contextmanager
def dropped_table(site: Site) -> Iterator[None]:
    """Drop the table."""
    Base.metadata.drop_all(site.admin)
    try:
        yield
    finally:
        create_tasks(site.admin)


@contextmanager
def no_connection_left(site: Site) -> Iterator[None]:
    """Let the user have one connection, and take that."""
    with changed(site, LIMIT_CONNECTIONS, LIMIT_NO_CONNECTIONS):
        wait_until(lambda: site.count(SESSIONS) == 0)
        with connected(site.admin.url.set(username="host")) as connection:
            connection.execute(sa.select(1))
            yield


@contextmanager
def strict_user(site: Site) -> Iterator[None]:
    """Let the user's statements take a tenth of a second, and lock the table."""
    with changed(site, LIMIT_STATEMENTS, LIMIT_NO_STATEMENTS), locked_table(site):
        yield


@contextmanager
def revoked_rights(site: Site) -> Iterator[None]:
    """Let the user read nothing."""
    with changed(site, REVOKE, GRANT, reconnect=False):
        yield


@contextmanager
def changed(
    site: Site, change: dict[str, str], restore: dict[str, str], *, reconnect: bool = True
) -> Iterator[None]:
    """Change the user, for connections that begin in the block, or for all."""
    site.run(change)
    try:
        if reconnect:
            site.reconnect()
        yield
    finally:
        site.run(restore)
        if reconnect:
            site.reconnect()
