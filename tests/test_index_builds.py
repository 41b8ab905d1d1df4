"""Indexes are built while others write, in tables that are partitioned too, and from wherever an
earlier attempt has stopped.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError

from flask_task_metrics.dialects import Step, run_step

from .host import Task, create_host, dispose_engines
from .test_indexes import NAMES, indexes, run_alone, shown_statements, states
from .test_source import job_table, run

WAITING = {
    "postgresql": "waiting for writers before build, waits for process ",
    "mariadb": "Waiting for table metadata lock",
}

servers = pytest.mark.parametrize("database_url", list(WAITING), indirect=True)
postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

APP = """
import os, signal
from tests.host import create_host
# Some shells start what is in the background with Ctrl-C turned off.
signal.signal(signal.SIGINT, signal.default_int_handler)
app = create_host(os.environ["DATABASE_URL"])
"""


@contextmanager
def apply_started(database_url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`flask task-metrics indexes --apply` as a process of its own."""
    (folder / "app.py").write_text(APP)
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "task-metrics", "indexes", "--apply"],
        cwd=folder,
        env=os.environ | {"DATABASE_URL": database_url, "PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process


def lines_until(output: IO[str] | None, said: str) -> list[str]:
    """What a process prints up to a line in which it says something; all, where it does not."""
    lines = []
    for line in output or ():
        lines.append(line)
        if said in line:
            break
    return lines


@contextmanager
def writer(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that has written to the table."""
    with engine.connect() as connection:
        connection.execute(sa.insert(Task).values(status="queued"))
        yield connection


@servers
def test_build_says_what_it_waits_for_and_then_goes_on(
    app: Flask, engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    said = WAITING[engine.dialect.name]
    with apply_started(database_url, tmp_path) as process:
        with writer(engine):
            lines = lines_until(process.stdout, said)
        _, errors = process.communicate()
    assert said in lines[-1]
    assert (0, "", ["there"] * 3) == (process.returncode, errors, states(app))


@servers
def test_interrupted_build_says_what_is_missing_and_can_be_run_again(
    app: Flask, engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    with apply_started(database_url, tmp_path) as process, writer(engine):
        lines_until(process.stdout, WAITING[engine.dialect.name])
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    missing = ", ".join(NAMES)
    assert (1, f"Error: Interrupted. Still missing: {missing}. Run it again to go on.\n") == (
        process.returncode,
        errors,
    )
    assert ["missing"] * 3 == states(app)
    assert 0 == indexes(app, "--apply").exit_code
    assert ["there"] * 3 == states(app)


@postgresql
def test_nothing_is_built_while_another_builds(
    app: Flask, engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    with apply_started(database_url, tmp_path) as first:
        with writer(engine):
            lines_until(first.stdout, WAITING["postgresql"])
            second = indexes(app, "--apply")
        first.communicate()
    *_, last = second.output.splitlines()
    assert re.match(
        r"Error: process \d+ is building an index of tasks; wait until it is done", last
    )
    assert (1, 0, ["there"] * 3) == (second.exit_code, first.returncode, states(app))


@pytest.fixture
def owned(engine: sa.Engine) -> Iterator[Flask]:
    """An app that is the table's owner to the database, and nothing more."""
    role = f"owner_{uuid4().hex}"
    run(engine, f"CREATE ROLE {role}", f"ALTER TABLE tasks OWNER TO {role}")
    app = create_host(engine.url.update_query_dict({"options": f"-c role={role}"}))
    yield app
    dispose_engines(app)
    run(engine, f"REASSIGN OWNED BY {role} TO CURRENT_USER", f"DROP ROLE {role}")


@postgresql
def test_what_another_role_builds_is_left_alone(
    owned: Flask, engine: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    with apply_started(database_url, tmp_path) as first:
        with writer(engine):
            lines_until(first.stdout, WAITING["postgresql"])
            second = indexes(owned)
        first.communicate()
    *_, last = second.output.splitlines()
    assert re.match(
        r"Error: process \d+ is building an index of tasks; wait until it is done", last
    )
    assert (1, 0, ["there"] * 3) == (second.exit_code, first.returncode, states(owned))


@postgresql
def test_what_another_role_builds_on_another_table_is_in_nobodys_way(
    owned: Flask, engine: sa.Engine
) -> None:
    run(engine, "CREATE TABLE others (id int)")
    progress = run_step(engine, Step("CREATE INDEX CONCURRENTLY ON others (id)"))
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO others VALUES (1)")
        said = next(progress)
        assert 0 == indexes(owned).exit_code
    list(progress)
    assert said.startswith(WAITING["postgresql"])


SLOW = """
    CREATE FUNCTION slow(moment timestamp) RETURNS timestamp IMMUTABLE LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(1);
        RETURN moment;
    END $$
"""


@postgresql
def test_build_says_how_far_it_is(engine: sa.Engine) -> None:
    run(engine, SLOW, "INSERT INTO tasks (created_at) VALUES (now())")
    build = Step("CREATE INDEX CONCURRENTLY slowly ON tasks (slow(created_at))")
    progress = run_step(engine, build)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SELECT pg_advisory_lock(1)")
        said = next(said for said in progress if "%" in said)
        connection.exec_driver_sql("SELECT pg_advisory_unlock(1)")
        list(progress)
    assert re.match(r"building index: scanning table, \d+ %, waits for process \d+ of \w+$", said)
    assert ["slowly"] == [index["name"] for index in sa.inspect(engine).get_indexes("tasks")]


@postgresql
def test_unfinished_index_is_dropped_and_built_anew(app: Flask, engine: sa.Engine) -> None:
    run(engine, *["INSERT INTO tasks (status, updated_at) VALUES ('queued', '2026-01-30')"] * 2)
    unique = f"CREATE UNIQUE INDEX CONCURRENTLY {NAMES[1]} ON tasks (status, updated_at)"
    with pytest.raises(IntegrityError):
        run_alone(engine, unique)
    assert ["missing"] * 3 == states(app)
    assert f"DROP INDEX CONCURRENTLY {NAMES[1]}" in shown_statements(app)
    assert 0 == indexes(app, "--apply").exit_code
    assert ["there"] * 3 == states(app)


@postgresql
@pytest.mark.parametrize("unique", ["", "UNIQUE"])
def test_index_of_another_table_with_the_name_is_left_alone(
    app: Flask, engine: sa.Engine, unique: str
) -> None:
    create = f"CREATE {unique} INDEX CONCURRENTLY {NAMES[1]} ON tasks_status (updated_at)"
    run(engine, "CREATE TABLE tasks_status AS SELECT 1 AS updated_at FROM generate_series(1, 2)")
    # What is not unique leaves an index that is not valid.
    with pytest.raises(IntegrityError) if unique else nullcontext():
        run_alone(engine, create)
    result = indexes(app, "--apply")
    *_, last = result.output.splitlines()
    assert 1 == result.exit_code
    assert (
        f"Error: {NAMES[1]} can't be an index of tasks, since it is one of tasks_status; "
        "rename that" == last
    )
    assert [NAMES[1]] == [index["name"] for index in sa.inspect(engine).get_indexes("tasks_status")]


# Partitions.

PARTITIONED = (
    "DROP TABLE IF EXISTS jobs",
    "DROP SCHEMA IF EXISTS archive",
    "CREATE SCHEMA archive",
    "CREATE TABLE jobs (LIKE tasks) PARTITION BY RANGE (id)",
    "CREATE TABLE archive.jobs_old PARTITION OF jobs FOR VALUES FROM (1) TO (10)",
    "CREATE TABLE jobs_new PARTITION OF jobs FOR VALUES FROM (10) TO (90) PARTITION BY HASH (id)",
    "CREATE TABLE jobs_new_0 PARTITION OF jobs_new FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE jobs_new_1 PARTITION OF jobs_new FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    "INSERT INTO jobs (id, status) SELECT id, 'queued' FROM generate_series(1, 89) AS id",
)

UNUSED_INDEXES = """
    SELECT count(*) FROM pg_class table_
     WHERE relname LIKE 'jobs%%' AND relkind IN ('r', 'p')
       AND 3 <> (SELECT count(*) FROM pg_index WHERE indrelid = table_.oid AND indisvalid)
"""


@pytest.fixture
def partitioned(engine: sa.Engine, database_url: str) -> Iterator[Flask]:
    """An app whose task table has partitions, and partitions of a partition."""
    run(engine, *PARTITIONED)
    app = create_host(database_url, job_table())
    yield app
    dispose_engines(app)


@postgresql
def test_each_partition_gets_the_indexes(partitioned: Flask, engine: sa.Engine) -> None:
    assert ["missing"] * 3 == states(partitioned)
    assert 0 == indexes(partitioned, "--apply").exit_code
    run(engine, "CREATE TABLE jobs_newest PARTITION OF jobs FOR VALUES FROM (90) TO (99)")
    with engine.connect() as connection:
        assert 0 == connection.exec_driver_sql(UNUSED_INDEXES).scalar()
    assert (["there"] * 3, []) == (states(partitioned), shown_statements(partitioned))


@postgresql
def test_partitions_keep_what_an_interrupted_build_has_made(
    partitioned: Flask, engine: sa.Engine
) -> None:
    statements = shown_statements(partitioned)
    of_one_index = [s for s in statements if "completed_at" not in s and "updated_at" not in s]
    for stop, statement in enumerate(of_one_index):
        if statement.startswith("SET "):
            continue
        run(engine, *PARTITIONED)
        run_alone(engine, *of_one_index[:stop])
        left = [s for s in statements if s.startswith("SET ") or s not in of_one_index[:stop]]
        assert set(left) == set(shown_statements(partitioned))
        assert 0 == indexes(partitioned, "--apply").exit_code
        assert ["there"] * 3 == states(partitioned)


@postgresql
def test_index_of_another_table_with_the_name_is_none_of_a_partition(
    partitioned: Flask, engine: sa.Engine
) -> None:
    run(engine, "CREATE INDEX ix_jobs_new_1_created_at ON tasks (created_at)")
    *_, last = indexes(partitioned, "--apply").output.splitlines()
    assert (
        "Error: public.ix_jobs_new_1_created_at can't be an index of public.jobs_new_1, since it "
        "is one of tasks; rename that" == last
    )


@postgresql
def test_a_partition_alone_is_a_table_too(partitioned: Flask, engine: sa.Engine) -> None:
    app = create_host(engine.url, job_table().to_metadata(sa.MetaData(), name="jobs_new_1"))
    assert 0 == indexes(app, "--apply").exit_code
    assert (["there"] * 3, ["missing"] * 3) == (states(app), states(partitioned))
    dispose_engines(app)


# What would hold up others gives up.


@pytest.mark.parametrize(
    ("database_url", "expected"),
    [
        ("postgresql", "canceling statement due to lock timeout"),
        ("mariadb", "Lock wait timeout exceeded"),
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
        result = indexes(app, "--apply")
    assert (1, True) == (result.exit_code, expected in result.output.splitlines()[-1])
    dispose_engines(app)
