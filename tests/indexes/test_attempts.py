"""The printed SQL goes on from wherever an earlier attempt stopped, and gives way to others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError

from tests.support.clients import run_in_client
from tests.support.commands import NAMES, indexes, run_alone, shown_statements, states
from tests.support.databases import on, run
from tests.support.host import create_host, dispose_engines
from tests.support.jobs import job_table
from tests.support.migrations import Migration
from tests.support.partitions import PARTITIONED
from tests.support.waiting import wait_until

WAITING = """
    SELECT count(*) FROM pg_stat_progress_create_index
     WHERE datname = current_database() AND phase = 'waiting for writers before build'
"""


@contextmanager
def build_in_progress(engine: sa.Engine, table: str) -> Iterator[None]:
    """Have another process build an index, which waits for a writer of its table meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        with engine.connect() as writer, engine.connect() as connection:
            writer.execute(sa.insert(sa.table(table)))
            create = f"CREATE INDEX CONCURRENTLY by_another ON {table} (id)"
            build = pool.submit(run_alone, engine, create)
            # A transaction sees the same progress all along.
            observer = connection.execution_options(isolation_level="AUTOCOMMIT")
            wait_until(lambda: observer.exec_driver_sql(WAITING).scalar())
            yield
        build.result()


@pytest.fixture
def owned(engine: sa.Engine) -> Iterator[Flask]:
    """Create a host that is the table's owner to the database, and nothing more."""
    role = f"owner_{uuid4().hex}"
    run(engine, f"CREATE ROLE {role}", f"ALTER TABLE tasks OWNER TO {role}")
    app = create_host(engine.url.update_query_dict({"options": f"-c role={role}"}))
    yield app
    dispose_engines(app)
    run(engine, f"REASSIGN OWNED BY {role} TO CURRENT_USER", f"DROP ROLE {role}")


@on("postgresql")
@pytest.mark.parametrize("host", ["app", "owned"])
def test_no_sql_is_shown_while_another_process_builds(
    engine: sa.Engine, request: pytest.FixtureRequest, host: str
) -> None:
    app = request.getfixturevalue(host)
    with build_in_progress(engine, "tasks"):
        result = indexes(app)
    *_, last = result.output.splitlines()
    assert re.fullmatch(
        r"Error: process \d+ is building an index of tasks; wait until it is done", last
    )
    assert (1, ["missing"] * 3) == (result.exit_code, states(app))


@on("postgresql")
def test_what_another_role_builds_on_another_table_is_in_nobodys_way(
    owned: Flask, engine: sa.Engine
) -> None:
    run(engine, "CREATE TABLE others (id int)")
    with build_in_progress(engine, "others"):
        assert 0 == indexes(owned).exit_code


@pytest.fixture
def unfinished(engine: sa.Engine) -> None:
    """Leave an invalid index behind, as a build that was interrupted does."""
    run(engine, *["INSERT INTO tasks (status, updated_at) VALUES ('queued', '2026-01-30')"] * 2)
    unique = f"CREATE UNIQUE INDEX CONCURRENTLY {NAMES[1]} ON tasks (status, updated_at)"
    with pytest.raises(IntegrityError):
        run_alone(engine, unique)


@on("postgresql")
@pytest.mark.usefixtures("unfinished")
def test_unfinished_index_is_dropped_and_built_anew(app: Flask, engine: sa.Engine) -> None:
    assert ["missing"] * 3 == states(app)
    assert f"DROP INDEX CONCURRENTLY {NAMES[1]}" in shown_statements(app)
    finished = run_in_client(engine.url, indexes(app).output)
    assert (0, "", ["there"] * 3) == (finished.returncode, finished.stderr, states(app))


@on("postgresql")
def test_migration_that_left_an_unfinished_index_can_run_again(
    app: Flask, engine: sa.Engine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    migration = Migration(tmp_path / "migrations", engine, indexes(app, "--alembic").output)
    request.getfixturevalue("unfinished")
    migration.upgrade()
    assert ["there"] * 3 == states(app)


@on("postgresql")
@pytest.mark.parametrize("unique", ["", "UNIQUE"])
def test_index_of_another_table_with_the_name_is_left_alone(
    app: Flask, engine: sa.Engine, unique: str
) -> None:
    create = f"CREATE {unique} INDEX CONCURRENTLY {NAMES[1]} ON tasks_status (updated_at)"
    run(engine, "CREATE TABLE tasks_status AS SELECT 1 AS updated_at FROM generate_series(1, 2)")
    # What is not unique leaves an index that is not valid.
    with pytest.raises(IntegrityError) if unique else nullcontext():
        run_alone(engine, create)
    result = indexes(app)
    *_, last = result.output.splitlines()
    assert 1 == result.exit_code
    assert (
        f"Error: {NAMES[1]} can't be an index of tasks, since it is one of tasks_status; "
        "rename that" == last
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database_url", "expected"),
    [
        ("postgresql", "canceling statement due to lock timeout"),
        ("mariadb", "Lock wait timeout exceeded"),
        ("mysql", "Lock wait timeout exceeded"),
    ],
    indirect=["database_url"],
)
def test_build_that_would_hold_up_all_writers_gives_up(
    engine: sa.Engine, database_url: str, expected: str
) -> None:
    if engine.dialect.name == "postgresql":
        run(engine, *PARTITIONED)
    else:
        run(engine, "CREATE TABLE jobs LIKE tasks")
    app = create_host(database_url, job_table())
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO jobs (id) VALUES (50)")
        finished = run_in_client(engine.url, indexes(app).output)
    assert (True, True) == (finished.returncode > 0, expected in finished.stderr)
    dispose_engines(app)
