"""`flask task-metrics indexes --alembic` prints a migration."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.commands import NAMES, build_indexes, indexes, states
from tests.support.databases import on, run
from tests.support.migrations import Migration


@pytest.fixture
def migration(app: Flask, engine: sa.Engine, tmp_path: Path) -> Migration:
    """Return the migration that the command prints for the empty task table."""
    return Migration(tmp_path / "migrations", engine, indexes(app, "--alembic").output)


def test_migration_adds_the_indexes_and_drops_them_again(app: Flask, migration: Migration) -> None:
    migration.upgrade()
    assert ["there"] * 3 == states(app)
    migration.downgrade()
    assert ["missing"] * 3 == states(app)


# MySQL has no IF NOT EXISTS for an index.
@on("sqlite", "postgresql", "mariadb", "postgresql-by-url")
def test_migration_runs_where_some_of_the_indexes_are(
    app: Flask, engine: sa.Engine, migration: Migration
) -> None:
    run(engine, f"CREATE INDEX {NAMES[0]} ON tasks (created_at)")
    migration.upgrade()
    assert ["there"] * 3 == states(app)


def test_migration_drops_only_the_indexes_that_it_adds(
    app: Flask, engine: sa.Engine, tmp_path: Path
) -> None:
    run(engine, f"CREATE INDEX {NAMES[0]} ON tasks (created_at)")
    migration = Migration(tmp_path / "migrations", engine, indexes(app, "--alembic").output)
    migration.upgrade()
    migration.downgrade()
    assert ["there", "missing", "missing"] == states(app)


def test_nothing_missing_is_no_migration(app: Flask, engine: sa.Engine) -> None:
    build_indexes(app, engine)
    result = indexes(app, "--alembic")
    assert (0, [f"# {name}: there" for name in NAMES]) == (
        result.exit_code,
        result.output.splitlines(),
    )


TIMEOUTS = {
    "postgresql": "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')",
    "mariadb": "SELECT @@lock_wait_timeout, @@max_statement_time",
    "mysql": "SELECT @@lock_wait_timeout, @@max_execution_time",
}


@on("postgresql", "mariadb", "mysql")
def test_migrations_that_follow_find_the_session_as_it_was(
    app: Flask, engine: sa.Engine, tmp_path: Path
) -> None:
    """The engine's one connection stays open from each migration to the next."""
    postgresql = {"connect_args": {"options": "-c statement_timeout=7min -c lock_timeout=7s"}}
    options = postgresql if engine.dialect.name == "postgresql" else {}
    migrating = sa.create_engine(engine.url, pool_size=1, max_overflow=0, **options)
    migration = Migration(tmp_path / "migrations", migrating, indexes(app, "--alembic").output)

    def timeouts() -> tuple[int | str, ...]:
        with migrating.connect() as connection:
            return tuple(connection.exec_driver_sql(TIMEOUTS[engine.dialect.name]).one())

    before = timeouts()
    migration.upgrade()
    assert before == timeouts()
    migration.downgrade()
    assert before == timeouts()
    migrating.dispose()


UPGRADE = """\
def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = 0")
        # A failed CREATE INDEX CONCURRENTLY leaves an invalid index.
        op.drop_index(
            "ix_tasks_status_updated_at",
            table_name="tasks",
            if_exists=True,
            postgresql_concurrently=True,
        )
        op.create_index(
            "ix_tasks_status_updated_at",
            "tasks",
            ["status", "updated_at"],
            postgresql_concurrently=True,
        )
        op.execute("SET statement_timeout = DEFAULT")
        op.execute("SET lock_timeout = DEFAULT")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = 0")
        op.drop_index(
            "ix_tasks_status_updated_at",
            table_name="tasks",
            if_exists=True,
            postgresql_concurrently=True,
        )
        op.execute("SET statement_timeout = DEFAULT")
        op.execute("SET lock_timeout = DEFAULT")
"""


@on("postgresql")
def test_migration_of_postgresql_reads_like_one_by_hand(app: Flask, engine: sa.Engine) -> None:
    run(
        engine,
        f"CREATE INDEX {NAMES[0]} ON tasks (created_at)",
        f"CREATE INDEX {NAMES[2]} ON tasks (status, completed_at, created_at, processing_at)",
    )
    output = indexes(app, "--alembic").output
    assert UPGRADE == output[output.index("def upgrade") :]
