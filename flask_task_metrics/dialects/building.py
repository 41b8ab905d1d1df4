"""How a statement that takes long is run: the database says meanwhile how far it is, and can be
told to stop.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

SECONDS_BETWEEN_LOOKS = 0.5
SQLITE_STEPS_BETWEEN_SIGNALS = 10_000

# Without parameters a percent sign is one to every driver.
AS_IT_IS: Mapping[str, Any] = {"isolation_level": "AUTOCOMMIT", "no_parameters": True}


@dataclass(frozen=True)
class Step:
    """A statement on the way to an index, as the database's own client takes it, and the session's
    settings that it wants.
    """

    sql: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Watch:
    """How a server is asked what one of its sessions is at, and told to stop that.

    What it is asked gives the `phase`, and where the database tells: how much of a `total` is
    `done`, and the `blockers` that it waits for.
    """

    session: str
    look: str
    stop: str


def run_step(engine: sa.Engine, step: Step) -> Generator[str]:
    """Run a step, and say on the way, again and again, how far it is.

    Where the iterator is closed before its end, the database is told to stop the step.
    """
    watch = WATCHES.get(engine.dialect.name)
    return _run_here(engine, step) if watch is None else _run_watched(engine, step, watch)


def _run_here(engine: sa.Engine, step: Step) -> Generator[str]:
    with engine.connect().execution_options(**AS_IT_IS) as connection:
        driver: Any = connection.connection.driver_connection
        # While Python is called now and then, a Ctrl-C gets through.
        driver.set_progress_handler(lambda: None, SQLITE_STEPS_BETWEEN_SIGNALS)
        try:
            connection.exec_driver_sql(step.sql)
        finally:
            driver.set_progress_handler(None, 0)
    yield from ()


def _run_watched(engine: sa.Engine, step: Step, watch: Watch) -> Generator[str]:
    with _own_connection(engine) as worker, _own_connection(engine) as watcher:
        for setting in step.settings:
            worker.exec_driver_sql(setting)
        session = {"session": worker.exec_driver_sql(watch.session).scalar_one()}
        with ThreadPoolExecutor(max_workers=1) as thread:
            work = thread.submit(worker.exec_driver_sql, step.sql)
            try:
                while not wait([work], SECONDS_BETWEEN_LOOKS).done:
                    for row in watcher.execute(sa.text(watch.look), session):
                        yield _said(row)
            finally:
                if not work.done():
                    watcher.execute(sa.text(watch.stop), session)
            work.result()


@contextmanager
def _own_connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that does not go back to the pool, so that its settings go with it."""
    with engine.connect() as connection:
        connection.execution_options(**AS_IT_IS)
        connection.detach()
        yield connection


def _said(row: Any) -> str:
    # The share is cut to tens, so that the log of it stays short. While the database waits, it is
    # still that of what it did before.
    is_moving = row.total and not row.phase.startswith("waiting")
    share = f", {10 * row.done // row.total * 10} %" if is_moving else ""
    waits = f", waits for {row.blockers}" if row.blockers else ""
    return f"{row.phase}{share}{waits}"


POSTGRESQL_LOOK = """
    SELECT coalesce(progress.phase, 'running') AS phase,
           coalesce(nullif(blocks_total, 0), tuples_total) AS total,
           CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END AS done,
           (SELECT string_agg(concat('process ', pid, ' of ', usename,
                              ', in a transaction since ' || date_trunc('second', xact_start)),
                              ' and ')
              FROM pg_stat_activity
             WHERE pid = ANY (pg_blocking_pids(session.pid))) AS blockers
      FROM pg_stat_activity session
      LEFT JOIN pg_stat_progress_create_index progress ON progress.pid = session.pid
     WHERE session.pid = :session
"""

# Of an index that it builds in place neither MySQL nor MariaDB tells how much is done.
MYSQL_LOOK = """
    SELECT state AS phase, NULL AS total, NULL AS done, NULL AS blockers
      FROM information_schema.processlist WHERE id = :session
"""

MYSQL = Watch(
    session="SELECT connection_id()",
    look=MYSQL_LOOK,
    stop="KILL QUERY :session",
)

WATCHES: Mapping[str, Watch] = {
    "postgresql": Watch(
        session="SELECT pg_backend_pid()",
        look=POSTGRESQL_LOOK,
        stop="SELECT pg_cancel_backend(:session)",
    ),
    "mysql": MYSQL,
    "mariadb": MYSQL,
}
