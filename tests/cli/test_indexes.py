"""`flask task-metrics indexes` looks at one source, and says in one line why it has no indexes to
show.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskMetrics, TaskSource
from flask_task_metrics.indexes import missing_indexes
from tests.support.commands import indexes, run_alone
from tests.support.databases import run
from tests.support.doctor import copy_of_tasks
from tests.support.host import SOURCE, Task, create_host, dispose_engines, hosted
from tests.support.jobs import job_table, table_without_definition
from tests.support.two_databases import create_app, flask_sqlalchemy_lite_of, replicated_tasks


def test_a_database_that_can_not_be_reached_is_told_in_a_line() -> None:
    app = create_host("postgresql+psycopg://nobody@127.0.0.1:1/none")
    result = indexes(app)
    assert (1, 1) == (result.exit_code, len(result.output.splitlines()))
    assert result.output.startswith("Error: connection failed: ")


def test_a_source_without_indexes_is_told_in_a_line(tmp_path: Path) -> None:
    app = create_host(f"sqlite:///{tmp_path / 'tasks.db'}", table_without_definition())
    result = indexes(app)
    assert (1, 1) == (result.exit_code, len(result.output.splitlines()))
    assert "belong to no single table" in result.output
    dispose_engines(app)


@pytest.mark.parametrize(("options", "table"), [((), "tasks"), (("--source", "copies"), "copies")])
def test_the_indexes_are_those_of_the_source_named_or_else_of_the_first(
    engine: sa.Engine, database_url: str, options: tuple[str, ...], table: str
) -> None:
    copies = copy_of_tasks("copies")
    copies.create(engine)
    with hosted(database_url, {"tasks": SOURCE, "copies": copies}) as app:
        output = indexes(app, *options).output
    assert output.startswith(f"-- ix_{table}_created_at: missing\n")


def test_the_indexes_for_a_dimension_end_with_its_column(
    engine: sa.Engine, database_url: str
) -> None:
    source = TaskSource(Task, dimensions={"request": "request_id"})
    with hosted(database_url, source) as app:
        lines = indexes(app, "--dimension", "request").output.splitlines()
        run_alone(engine, *(line for line in lines if not line.startswith("--")))
        states = indexes(app).output.splitlines()
        unknown = indexes(app, "--dimension", "engine")
    assert 3 == len(states)
    assert "-- ix_tasks_created_at: covered by ix_tasks_created_at_request_id" == states[0]
    expected = "Error: the dimension is 'engine'; it must be one of request\n"
    assert (1, expected) == (unknown.exit_code, unknown.output)


def test_the_indexes_of_a_source_are_read_from_the_bind_of_its_table(
    two_database_config: dict[str, Any],
) -> None:
    binds = {"videos": "replica", "imports": "default"}
    app = create_app(two_database_config, TASK_METRICS_BIND_KEY=binds)
    sources: dict[str, Any] = {"videos": Task, "imports": replicated_tasks}
    TaskMetrics(flask_sqlalchemy_lite_of(app), sources, app=app)
    engine = sa.create_engine(two_database_config["SQLALCHEMY_BINDS"]["replica"])
    with engine.begin() as connection:
        for state in missing_indexes(connection, TaskSource(replicated_tasks)):
            state.index.create(connection)
    engine.dispose()
    first_lines = [indexes(app, "--source", name).output.splitlines()[0] for name in sources]
    assert ["missing", "there"] == [line.partition(": ")[2] for line in first_lines]


def test_a_view_has_no_indexes(engine: sa.Engine, database_url: str) -> None:
    run(engine, "CREATE VIEW jobs AS SELECT * FROM tasks")
    app = create_host(database_url, job_table())
    result = indexes(app)
    expected = (
        "Error: jobs is a view and can't have indexes; index by hand the columns that it shows as "
        "(created_at), (status, updated_at), (status, completed_at, created_at, processing_at)"
    )
    assert (1, [expected]) == (result.exit_code, result.output.splitlines())
    dispose_engines(app)
