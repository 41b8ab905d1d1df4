"""The recommended indexes of any source, and the command that shows and builds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import aliased
from sqlalchemy.schema import CreateIndex

from flask_task_metrics import ConfigurationError, TaskSource, recommended_indexes
from flask_task_metrics.dialects.ddl import mysql_settings

from .host import Base, Task, create_host, dispose_engines, snapshot_of
from .test_source import COLUMNS, job_table, run, store

DEFINITIONS = [
    "jobs (created_at)",
    "jobs (status, updated_at)",
    "jobs (status, completed_at, created_at, processing_at)",
]
NAMES = [
    "ix_tasks_created_at",
    "ix_tasks_status_updated_at",
    "ix_tasks_status_completed_at_created_at_processing_at",
]


# What is recommended.


def definitions(source: TaskSource, table: sa.Table, database: str = "postgresql") -> list[str]:
    """What the recommended indexes of a source are on, as SQL of a database."""
    dialect = sa.make_url(f"{database}://").get_dialect()()
    copy = table.to_metadata(sa.MetaData())
    indexes = recommended_indexes(source)
    for index in indexes:
        copy.append_constraint(index)
    created = (str(CreateIndex(index).compile(dialect=dialect)) for index in indexes)
    return [statement.split(" ON ")[1] for statement in created]


def test_three_indexes_serve_all_figures() -> None:
    table = job_table()
    assert DEFINITIONS == definitions(TaskSource(table), table)


def test_asking_for_indexes_leaves_the_table_as_it_is() -> None:
    table = job_table()
    updated_at = sa.func.coalesce(table.c.updated_at, table.c.created_at)
    recommended_indexes(TaskSource(table, updated_at=updated_at))
    assert set() == table.indexes


@pytest.mark.parametrize(
    "through",
    [
        lambda table: table.alias("a"),
        lambda table: sa.select(table).where(table.c.id > 3),
        lambda table: sa.select(sa.select(table).subquery("inner")).subquery("outer"),
        lambda table: sa.union_all(sa.select(table), sa.select(table).where(table.c.id > 3)),
    ],
    ids=["alias", "select", "subqueries", "union"],
)
def test_indexes_are_those_of_the_table_that_a_source_is_made_of(
    through: Callable[[sa.Table], Any],
) -> None:
    table = job_table()
    assert DEFINITIONS == definitions(TaskSource(through(table)), table)


def test_indexes_of_an_aliased_model_are_those_of_its_table() -> None:
    assert NAMES == [index.name for index in recommended_indexes(TaskSource(aliased(Task)))]


def test_columns_may_have_keys_and_the_table_a_schema() -> None:
    columns = (sa.Column(f"Job {name}", COLUMNS[name], key=name) for name in COLUMNS)
    table = sa.Table("jobs", sa.MetaData(), *columns, schema="work")
    source = TaskSource(table)
    assert 'work.jobs ("Job status", "Job updated_at")' == definitions(source, table)[1]
    assert "ix_jobs_Job status_Job updated_at" == recommended_indexes(source)[1].name


def test_an_expression_is_indexed_as_such_wherever_it_stands() -> None:
    table = job_table()
    inner = sa.select(
        table.c.id,
        table.c.status,
        table.c.created_at.label("began"),
        sa.case((table.c.status != "queued", table.c.processing_at)).label("processing_at"),
        table.c.completed_at,
        table.c.updated_at,
        table.c.error_message,
    ).subquery()
    updated_at = sa.func.coalesce(inner.c.updated_at, inner.c.began)
    source = TaskSource(inner, created_at="began", updated_at=updated_at)
    case = "(CASE WHEN (status != 'queued') THEN processing_at END)"
    assert [
        "jobs (created_at)",
        "jobs (status, (coalesce(updated_at, created_at)))",
        f"jobs (status, completed_at, created_at, {case})",
    ] == definitions(source, table)


def test_an_index_that_another_begins_with_is_left_out() -> None:
    table = job_table()
    source = TaskSource(table, updated_at="completed_at")
    assert [DEFINITIONS[0], DEFINITIONS[2]] == definitions(source, table)


def test_no_column_is_indexed_twice_and_no_constant_at_all() -> None:
    table = job_table()
    never = sa.cast(sa.null(), sa.DateTime())
    source = TaskSource(table, created_at="completed_at", processing_at=never)
    expected = ["jobs (completed_at)", "jobs (status, updated_at)", "jobs (status, completed_at)"]
    assert expected == definitions(source, table)


class Shouted(sa.types.TypeDecorator[str]):
    """A text of the host's own type."""

    impl = sa.Text
    cache_ok = True


@pytest.mark.parametrize("database", ["mysql", "mariadb"])
@pytest.mark.parametrize(
    ("expected", "column_type"),
    [
        ("status", sa.String(255)),
        ("status", sa.Text().with_variant(mysql.VARCHAR(20), "mysql", "mariadb")),
        ("status(64)", sa.String(2000)),
        ("status(64)", sa.Text()),
        ("status(64)", Shouted()),
    ],
)
def test_of_a_long_text_mysql_indexes_the_start(
    expected: str, column_type: Any, database: str
) -> None:
    table = job_table(status=column_type)
    expected = f"jobs ({expected}, updated_at)"
    assert expected == definitions(TaskSource(table), table, database)[1]


def test_names_fit_every_database_and_stay_apart() -> None:
    tables = [sa.Table("å" * 40 + end, sa.MetaData(), *columns()) for end in ("1", "2")]
    names = [
        index.name or "" for table in tables for index in recommended_indexes(TaskSource(table))
    ]
    assert (6, True) == (len(set(names)), all(len(name.encode()) <= 63 for name in names))


def columns() -> list[sa.Column[Any]]:
    return [sa.Column(name, column_type) for name, column_type in COLUMNS.items()]


def two_tables() -> Any:
    jobs, runs = job_table(), sa.Table("runs", sa.MetaData(), *columns())
    joined = sa.select(jobs, runs.c.completed_at.label("ended_at"))
    return TaskSource(joined.join(runs, jobs.c.id == runs.c.id), completed_at="ended_at")


def union_of_two_tables() -> Any:
    return TaskSource(sa.union_all(sa.select(job_table()), sa.select(Task)))


def table_without_definition() -> Any:
    return TaskSource(sa.table("jobs", *(sa.column(*column) for column in COLUMNS.items())))


@pytest.mark.parametrize("source", [two_tables, union_of_two_tables, table_without_definition])
def test_what_is_no_single_table_has_no_indexes(source: Callable[[], TaskSource]) -> None:
    with pytest.raises(ConfigurationError, match="by hand"):
        recommended_indexes(source())


# What the command shows and builds.


def indexes(app: Flask, *options: str) -> Result:
    return app.test_cli_runner().invoke(args=["task-metrics", "indexes", *options])


def states(app: Flask) -> list[str]:
    """What the command says of each index."""
    return [
        line.partition(": ")[2]
        for line in indexes(app).output.splitlines()
        if line.startswith("-- ix_")
    ]


def shown_statements(app: Flask) -> list[str]:
    lines = indexes(app).output.splitlines()
    return [line.removesuffix(";") for line in lines if not line.startswith("--")]


def run_alone(engine: sa.Engine, *statements: str) -> None:
    """Run statements each for itself, as a database's own client does."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def test_missing_indexes_are_built_once(app: Flask) -> None:
    assert ["missing"] * 3 == states(app)
    assert 0 == indexes(app, "--apply").exit_code
    assert ["there"] * 3 == states(app)
    again = indexes(app, "--apply")
    assert (0, [f"-- {name}: there" for name in NAMES]) == (
        again.exit_code,
        again.output.splitlines(),
    )


def test_what_is_shown_can_be_run_by_hand(app: Flask, engine: sa.Engine) -> None:
    run_alone(engine, *shown_statements(app))
    assert ["there"] * 3 == states(app)


def test_figures_are_the_same_with_the_indexes_and_without(
    engine: sa.Engine, database_url: str
) -> None:
    table = job_table()
    store(engine, table)
    before = snapshot_of(engine, table)
    app = create_host(database_url, table)
    assert 0 == indexes(app, "--apply").exit_code
    assert (["there"] * 3, before) == (states(app), snapshot_of(engine, table))
    dispose_engines(app)


def test_index_that_begins_like_it_makes_one_needless(app: Flask, engine: sa.Engine) -> None:
    run(engine, "CREATE INDEX by_hand ON tasks (status, updated_at, id)")
    assert ["missing", "not needed, since by_hand begins like it", "missing"] == states(app)


USELESS = {
    "sqlite": "CREATE INDEX by_hand ON tasks (created_at) WHERE status = 'failed'",
    "postgresql": "CREATE INDEX by_hand ON tasks (created_at) WHERE status = 'failed'",
    "mariadb": "CREATE INDEX by_hand ON tasks (created_at) IGNORED",
}


def test_index_that_queries_can_not_use_makes_none_needless(app: Flask, engine: sa.Engine) -> None:
    run(engine, USELESS[engine.dialect.name])
    assert ["missing"] * 3 == states(app)


def test_index_on_other_columns_makes_none_needless(app: Flask, engine: sa.Engine) -> None:
    run(engine, "CREATE INDEX by_hand ON tasks (status, id, updated_at)")
    assert ["missing"] * 3 == states(app)


@pytest.mark.parametrize(
    ("database_url", "key"),
    [
        ("mariadb", "status(31)"),
        ("postgresql", 'status COLLATE "C"'),
        ("postgresql", "status varchar_pattern_ops"),
    ],
    indirect=["database_url"],
)
def test_index_on_the_start_of_a_column_or_in_another_order_makes_none_needless(
    app: Flask, engine: sa.Engine, key: str
) -> None:
    run(engine, f"CREATE INDEX by_hand ON tasks ({key}, updated_at)")
    assert ["missing"] * 3 == states(app)


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
@pytest.mark.parametrize(
    ("expected", "length"), [("missing", 63), ("not needed, since by_hand begins like it", 64)]
)
def test_index_on_the_start_of_a_long_text_must_be_as_long_as_the_recommended(
    engine: sa.Engine, database_url: str, expected: str, length: int
) -> None:
    table = job_table(status=sa.Text())
    store(engine, table)
    run(engine, f"CREATE INDEX by_hand ON jobs (status({length}), updated_at)")
    app = create_host(database_url, table)
    assert ["missing", expected, "missing"] == states(app)
    dispose_engines(app)


def test_failure_is_told_in_a_line_with_what_is_still_missing(
    app: Flask, engine: sa.Engine
) -> None:
    run(engine, f"CREATE INDEX {NAMES[1]} ON tasks (id)")
    result = indexes(app, "--apply")
    *_, last = result.output.splitlines()
    assert (1, ["there", "missing", "missing"]) == (result.exit_code, states(app))
    assert last.startswith("Error: ")
    assert last.endswith(f". Still missing: {NAMES[1]}, {NAMES[2]}.")


def test_table_in_a_schema_gets_its_indexes(engine: sa.Engine, database_url: str) -> None:
    schemas = {"sqlite": "main", "postgresql": "public", "mariadb": str(engine.url.database)}
    table = job_table().to_metadata(sa.MetaData(), schema=schemas[engine.dialect.name])
    store(engine, table)
    app = create_host(database_url, table)
    assert (["missing"] * 3, 0, ["there"] * 3) == (
        states(app),
        indexes(app, "--apply").exit_code,
        states(app),
    )
    dispose_engines(app)


def build_by_command(app: Flask, engine: sa.Engine) -> None:
    assert 0 == indexes(app, "--apply").exit_code


def build_by_hand(app: Flask, engine: sa.Engine) -> None:
    run_alone(engine, *shown_statements(app))


both_ways = pytest.mark.parametrize("build", [build_by_command, build_by_hand])


@both_ways
def test_names_may_hold_percent_signs(
    engine: sa.Engine, database_url: str, build: Callable[[Flask, sa.Engine], None]
) -> None:
    columns = (sa.Column(f"{name} %", COLUMNS[name], key=name) for name in COLUMNS)
    table = sa.Table("jobs 100%", sa.MetaData(), *columns)
    table.create(engine)
    app = create_host(database_url, table)
    build(app, engine)
    names = {index["name"] for index in sa.inspect(engine).get_indexes("jobs 100%")}
    assert (["there"] * 3, {index.name for index in recommended_indexes(TaskSource(table))}) == (
        states(app),
        names,
    )
    dispose_engines(app)


@both_ways
@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_expressions_may_hold_percent_signs(
    engine: sa.Engine, database_url: str, build: Callable[[Flask, sa.Engine], None]
) -> None:
    table = job_table()
    store(engine, table)
    status = sa.case((table.c.error_message.like("50%% done%"), "completed"), else_=table.c.status)
    app = create_host(database_url, TaskSource(table, status=status))
    build(app, engine)
    with engine.connect() as connection:
        definition = connection.scalar(sa.text(DEFINITION[engine.dialect.name]))
    assert (["there"] * 3, True) == (states(app), "'50%% done%'" in str(definition))
    dispose_engines(app)


DEFINITION = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE name = 'ix_jobs_status_updated_at'",
    "postgresql": "SELECT pg_get_indexdef(to_regclass('ix_jobs_status_updated_at'))",
}


def job_host(engine: sa.Engine, database_url: str) -> Flask:
    """An app whose tasks were updated when an expression says."""
    table = job_table(status=sa.Text())
    store(engine, table)
    updated_at = sa.func.coalesce(table.c.updated_at, table.c.created_at)
    return create_host(database_url, TaskSource(table, updated_at=updated_at))


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_expressions_are_indexed(engine: sa.Engine, database_url: str) -> None:
    app = job_host(engine, database_url)
    assert 0 == indexes(app, "--apply").exit_code
    assert ["there"] * 3 == states(app)
    dispose_engines(app)


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_where_expressions_can_not_be_indexed_the_other_indexes_are_built(
    engine: sa.Engine, database_url: str
) -> None:
    app = job_host(engine, database_url)
    result = indexes(app, "--apply")
    cause = "MariaDB has no index on an expression; give the table a generated column"
    assert 1 == result.exit_code
    assert f"-- ix_jobs_status_updated_at: missing, and can't be built: {cause}" in result.output
    assert ["there", "there"] == [state for state in states(app) if "MariaDB" not in state]
    dispose_engines(app)


def test_indexes_are_built_where_the_table_is_and_not_on_its_replica(tmp_path: Path) -> None:
    urls = {name: f"sqlite:///{tmp_path / name}.db" for name in ("primary", "replica")}
    app = create_host(
        urls["primary"],
        SQLALCHEMY_BINDS={"replica": urls["replica"]},
        TASK_METRICS_BIND_KEY="replica",
    )
    with app.app_context():
        engines = app.extensions["sqlalchemy"].engines
        for engine in engines.values():
            Base.metadata.create_all(engine)
        assert 0 == indexes(app, "--apply").exit_code
        there = {
            key: len(sa.inspect(engine).get_indexes("tasks")) for key, engine in engines.items()
        }
    assert {None: 3, "replica": 0} == there
    dispose_engines(app)


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


def test_a_view_has_no_indexes(engine: sa.Engine, database_url: str) -> None:
    run(engine, "CREATE VIEW jobs AS SELECT * FROM tasks")
    app = create_host(database_url, job_table())
    result = indexes(app)
    expected = "Error: jobs is a view, which has no indexes; index the tables that it reads by hand"
    assert (1, [expected]) == (result.exit_code, result.output.splitlines())
    dispose_engines(app)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_writer_of_sqlite_keeps_the_indexes_from_being_built(
    engine: sa.Engine, database_url: str
) -> None:
    app = create_host(f"{database_url}?timeout=0")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        result = indexes(app, "--apply")
    assert f"Error: database is locked. Still missing: {', '.join(NAMES)}." in result.output
    assert (1, ["missing"] * 3) == (result.exit_code, states(app))
    dispose_engines(app)


def test_mysql_and_mariadb_each_take_their_settings() -> None:
    brief = "SET SESSION lock_wait_timeout = 5"
    assert (brief,) == mysql_settings(is_mariadb=False)
    assert (brief, "SET SESSION max_statement_time = 0") == mysql_settings(is_mariadb=True)
