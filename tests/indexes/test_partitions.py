"""Each partition of a task table gets the indexes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.clients import run_in_client
from tests.support.commands import build_indexes, indexes, run_alone, shown_statements, states
from tests.support.databases import on, run
from tests.support.host import create_host, dispose_engines
from tests.support.jobs import job_table
from tests.support.migrations import Migration
from tests.support.partitions import PARTITIONED

pytestmark = on("postgresql")

WITHOUT_INDEXES_IN_USE = """
    SELECT count(*) FROM pg_class table_
     WHERE relname LIKE 'jobs%%' AND relkind IN ('r', 'p')
       AND 3 <> (SELECT count(*) FROM pg_index WHERE indrelid = table_.oid AND indisvalid)
"""


@pytest.fixture
def partitioned(engine: sa.Engine, database_url: str) -> Iterator[Flask]:
    """Create a host whose task table has partitions, and partitions of a partition."""
    run(engine, *PARTITIONED)
    app = create_host(database_url, job_table())
    yield app
    dispose_engines(app)


def tables_without_indexes(engine: sa.Engine) -> int:
    run(engine, "CREATE TABLE jobs_newest PARTITION OF jobs FOR VALUES FROM (90) TO (99)")
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(WITHOUT_INDEXES_IN_USE).scalar_one())


def test_each_partition_gets_the_indexes(partitioned: Flask, engine: sa.Engine) -> None:
    assert ["missing"] * 3 == states(partitioned)
    finished = run_in_client(engine.url, indexes(partitioned).output)
    assert (0, "", 0) == (finished.returncode, finished.stderr, tables_without_indexes(engine))
    assert (["there"] * 3, []) == (states(partitioned), shown_statements(partitioned))


def test_migration_gives_each_partition_the_indexes_and_drops_them_again(
    partitioned: Flask, engine: sa.Engine, tmp_path: Path
) -> None:
    migration = Migration(tmp_path / "migrations", engine, indexes(partitioned, "--alembic").output)
    migration.upgrade()
    assert (["there"] * 3, 0) == (states(partitioned), tables_without_indexes(engine))
    migration.downgrade()
    with engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT count(*) FROM pg_indexes WHERE indexname ~ '^ix'")
        assert (["missing"] * 3, 0) == (states(partitioned), left.scalar())


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
        build_indexes(partitioned, engine)
        assert ["there"] * 3 == states(partitioned)


def test_unfinished_index_of_a_partition_is_dropped_and_built_anew(
    partitioned: Flask, engine: sa.Engine
) -> None:
    build_indexes(partitioned, engine)
    name = "archive.ix_jobs_old_created_at"
    run(engine, "DROP INDEX ix_jobs_created_at", "CREATE INDEX ON jobs (id)")
    run(engine, "CREATE INDEX ix_jobs_old_created_at ON archive.jobs_old (created_at)")
    invalidate = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = CAST(:name AS regclass)"
    with engine.begin() as connection:
        connection.execute(sa.text(invalidate), {"name": name})
    assert f"DROP INDEX CONCURRENTLY {name}" in shown_statements(partitioned)
    finished = run_in_client(engine.url, indexes(partitioned).output)
    assert (0, "", ["there"] * 3) == (finished.returncode, finished.stderr, states(partitioned))


def test_index_of_another_table_with_the_name_is_none_of_a_partition(
    partitioned: Flask, engine: sa.Engine
) -> None:
    run(engine, "CREATE INDEX ix_jobs_new_1_created_at ON tasks (created_at)")
    *_, last = indexes(partitioned).output.splitlines()
    assert (
        "Error: public.ix_jobs_new_1_created_at can't be an index of public.jobs_new_1, since it "
        "is one of tasks; rename that" == last
    )


def test_another_index_of_the_table_with_the_name_is_told(
    partitioned: Flask, engine: sa.Engine
) -> None:
    run(engine, "CREATE INDEX ix_jobs_created_at ON jobs (id)")
    *_, last = indexes(partitioned).output.splitlines()
    assert "Error: jobs has another index named ix_jobs_created_at; rename that" == last


def test_a_partition_alone_is_a_table_too(partitioned: Flask, engine: sa.Engine) -> None:
    alone = create_host(engine.url, job_table().to_metadata(sa.MetaData(), name="jobs_new_1"))
    finished = run_in_client(engine.url, indexes(alone).output)
    assert (0, "") == (finished.returncode, finished.stderr)
    assert (["there"] * 3, ["missing"] * 3) == (states(alone), states(partitioned))
    dispose_engines(alone)
