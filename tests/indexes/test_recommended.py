"""The indexes that are recommended for any source."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import SQLCompiler

from flask_task_metrics import (
    ConfigurationError,
    InvalidFilterError,
    TaskSource,
    add_recommended_indexes,
    from_epoch,
    recommended_indexes,
)
from tests.support.commands import NAMES
from tests.support.host import Task
from tests.support.jobs import COLUMNS, job_table, table_without_definition

DEFINITIONS = [
    "jobs (created_at)",
    "jobs (status, updated_at)",
    "jobs (status, completed_at, created_at, processing_at)",
]


def definitions(source: TaskSource, table: sa.Table, database: str = "postgresql") -> list[str]:
    """Return the keys of a source's recommended indexes, as SQL of a database."""
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


def test_the_columns_of_dimensions_end_each_index() -> None:
    table = job_table(engine=sa.String(32), frames=sa.Integer())
    big: Any = table.c.frames > 1000
    source = TaskSource(table, dimensions={"engine": "engine", "big": big, "kind": sa.literal("x")})
    dimensions = ("engine", "big", "kind")
    copy = table.to_metadata(sa.MetaData())
    for index in recommended_indexes(source, *dimensions):
        copy.append_constraint(index)
    keys = [[str(part) for part in index.expressions] for index in copy.indexes]
    assert 3 == len(keys)
    assert {("jobs.engine", "(frames > :frames_1)")} == {tuple(key[-2:]) for key in keys}
    add_recommended_indexes(source, *dimensions)
    assert [] == recommended_indexes(source) == recommended_indexes(source, *dimensions)


def test_no_index_ends_with_a_column_of_another_table() -> None:
    table, teams = job_table(), sa.table("teams", sa.column("name", sa.String))
    joined = sa.select(table, teams.c.name).join_from(table, teams, sa.true()).subquery()
    source = TaskSource(joined, dimensions={"team": "name"})
    assert 3 == len(recommended_indexes(source))
    with pytest.raises(ConfigurationError, match="belong to no single table"):
        recommended_indexes(source, "team")


def test_an_index_for_an_unknown_dimension_is_refused() -> None:
    source = TaskSource(job_table(), dimensions=("request_id",))
    with pytest.raises(InvalidFilterError, match="'engine'; it must be one of request_id"):
        recommended_indexes(source, "engine")


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


def test_no_column_is_indexed_twice_and_none_that_is_not_recorded() -> None:
    table = job_table()
    source = TaskSource(table, created_at="completed_at", processing_at=None)
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


def test_the_name_of_an_index_on_an_expression_tells_its_definition() -> None:
    def name_of(value: str) -> str:
        table = job_table()
        status = sa.case((table.c.status == value, "queued"), else_=table.c.status)
        [_, index, _] = recommended_indexes(TaskSource(table, status=status))
        return str(index.name)

    assert re.fullmatch(r"ix_jobs_status_[0-9a-f]{8}_updated_at", name_of("waiting"))
    assert (True, False) == (
        name_of("waiting") == name_of("waiting"),
        name_of("waiting") == name_of("parked"),
    )


class OnlyOnMySQL(sa.ColumnElement[datetime]):
    """A timestamp that only MySQL has SQL for."""

    type = sa.DateTime()
    inherit_cache = True


@compiles(OnlyOnMySQL, "mysql", "mariadb")
def _only_on_mysql(element: OnlyOnMySQL, compiler: SQLCompiler, **kw: Any) -> str:
    return "updated_at"


def test_an_expression_of_one_database_is_named_too() -> None:
    table = job_table()
    updated_at = sa.func.coalesce(table.c.updated_at, OnlyOnMySQL())
    [_, index, _] = recommended_indexes(TaskSource(table, updated_at=updated_at))
    assert re.fullmatch(r"ix_jobs_status_updated_at_[0-9a-f]{8}", str(index.name))


@pytest.mark.parametrize(
    ("expected", "unrecorded"),
    [
        ([DEFINITIONS[1], "jobs (status, completed_at, processing_at)"], ["created_at"]),
        (DEFINITIONS[:2], ["completed_at"]),
        ([DEFINITIONS[1]], ["created_at", "processing_at"]),
    ],
)
def test_no_index_is_recommended_that_serves_only_what_is_not_recorded(
    expected: list[str], unrecorded: list[str]
) -> None:
    table = job_table()
    columns: Any = dict.fromkeys(unrecorded)
    assert expected == definitions(TaskSource(table, **columns), table)


def names_of(source: TaskSource) -> list[str]:
    return [str(index.name) for index in recommended_indexes(source)]


JOB_NAMES = [
    "ix_jobs_created_at",
    "ix_jobs_status_updated_at",
    "ix_jobs_status_completed_at_created_at_processing_at",
]


@pytest.mark.parametrize(
    ("lacking", "declared"),
    [
        ([1, 2], sa.Index("ix_jobs_created_at", "created_at")),
        ([0, 2], sa.Index("by_hand", "status", "updated_at", "id")),
        ([0, 2], sa.UniqueConstraint("status", "updated_at", "id")),
        ([1, 2], sa.UniqueConstraint("created_at", name="by_hand")),
        ([0, 1, 2], sa.Index("by_hand", "updated_at", "status")),
        ([0, 1, 2], sa.Index("by_hand", sa.desc("created_at"))),
        ([0, 1, 2], sa.Index("by_hand", "created_at", postgresql_where=sa.text("id > 3"))),
        ([0, 1, 2], sa.Index("by_hand", "created_at", postgresql_using="brin")),
        ([1, 2], sa.Index("by_hand", "created_at", postgresql_using="btree")),
        ([0, 1, 2], sa.Index("by_hand", "status", "updated_at", mysql_length=3)),
        ([0, 1, 2], sa.Index("by_hand", "status", "updated_at", mysql_length={"status": 3})),
    ],
)
def test_an_index_that_the_models_declare_is_not_recommended_again(
    lacking: list[int], declared: sa.Index | sa.UniqueConstraint
) -> None:
    table = job_table()
    table.append_constraint(declared)
    assert [JOB_NAMES[number] for number in lacking] == names_of(TaskSource(table))


def test_another_index_with_the_name_is_a_configuration_error() -> None:
    table = job_table()
    table.append_constraint(sa.Index("ix_jobs_created_at", "id"))
    with pytest.raises(ConfigurationError, match="another index named ix_jobs_created_at; rename"):
        recommended_indexes(TaskSource(table))


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_added_indexes_are_added_once_whatever_the_naming_convention(engine: sa.Engine) -> None:
    metadata = sa.MetaData(naming_convention={"ix": "idx_%(constraint_name)s"})
    table = job_table().to_metadata(metadata)
    source = TaskSource(table, updated_at=sa.func.coalesce(table.c.updated_at, table.c.created_at))
    for _ in range(2):
        add_recommended_indexes(source)
    assert 3 == len(table.indexes)
    assert [] == recommended_indexes(source)
    metadata.create_all(engine)
    names = {str(index["name"]) for index in sa.inspect(engine).get_indexes("jobs")}
    assert JOB_NAMES[0] in names


def columns() -> list[sa.Column[Any]]:
    return [sa.Column(name, column_type) for name, column_type in COLUMNS.items()]


def two_tables() -> Any:
    jobs, runs = job_table(), sa.Table("runs", sa.MetaData(), *columns())
    joined = sa.select(jobs, runs.c.completed_at.label("ended_at"))
    return TaskSource(joined.join(runs, jobs.c.id == runs.c.id), completed_at="ended_at")


def union_of_two_tables() -> Any:
    return TaskSource(sa.union_all(sa.select(job_table()), sa.select(Task)))


EVENTS = sa.Table(
    "events",
    sa.MetaData(),
    sa.Column("job_id", sa.Integer()),
    sa.Column("kind", sa.String(9)),
    sa.Column("at", sa.DateTime()),
)


def aggregates() -> TaskSource:
    jobs, at = job_table(), EVENTS.c.at
    ended_at = sa.func.max(sa.case((EVENTS.c.kind == "ended", at))).label("ended_at")
    joined = sa.select(jobs, ended_at).join(EVENTS, EVENTS.c.job_id == jobs.c.id)
    return TaskSource(joined.group_by(jobs.c.id), completed_at="ended_at", updated_at="ended_at")


def joined_by_a_foreign_key() -> TaskSource:
    jobs = job_table()
    runs = sa.Table(
        "runs",
        jobs.metadata,
        sa.Column("job_id", sa.Integer(), sa.ForeignKey("jobs.id")),
        sa.Column("queue_id", sa.Integer(), sa.ForeignKey("queues.id")),
        sa.Column("at", sa.DateTime()),
    )
    return TaskSource(sa.select(jobs, runs.c.at).join(runs), updated_at="at")


def scalar_subquery() -> TaskSource:
    jobs = job_table()
    of_job = EVENTS.c.job_id == jobs.c.id
    return TaskSource(
        jobs, updated_at=sa.select(sa.func.max(EVENTS.c.at)).where(of_job).scalar_subquery()
    )


def window_function() -> TaskSource:
    jobs = job_table()
    newest = sa.func.max(jobs.c.updated_at).over(partition_by=jobs.c.request_id).label("newest")
    tasks = sa.select(jobs, newest).subquery()
    return TaskSource(tasks, updated_at="newest", created_at=from_epoch(tasks.c.id, "s"))


NO_TABLE = "the columns to index belong to no single table"
SEVERAL_ROWS = "no index can have updated_at, since it is read from several rows"
LATENCIES = "(status, completed_at, created_at, processing_at)"
SINGLE = ("completed_at", "created_at", "processing_at", "status", "updated_at")


@pytest.mark.parametrize(
    ("reason", "to_index", "source"),
    [
        (
            NO_TABLE,
            [
                *("jobs (created_at)", "jobs (status, created_at, processing_at)"),
                *("jobs (status, updated_at)", "runs (completed_at)", "runs (id)"),
            ],
            two_tables,
        ),
        (
            "the column 'created_at' comes from several selects",
            [f"{table} ({column})" for table in ("jobs", "tasks") for column in SINGLE],
            union_of_two_tables,
        ),
        (
            NO_TABLE,
            ["jobs (created_at)", f"jobs {LATENCIES}", "jobs (status, updated_at)"],
            table_without_definition,
        ),
        (
            "no index can have updated_at, since it is an aggregate",
            [
                *("events (at)", "events (job_id)"),
                *("jobs (created_at)", "jobs (status, created_at, processing_at)"),
            ],
            aggregates,
        ),
        (
            NO_TABLE,
            ["jobs (created_at)", f"jobs {LATENCIES}", "runs (at)", "runs (job_id)"],
            joined_by_a_foreign_key,
        ),
        (
            SEVERAL_ROWS,
            ["events (at)", "events (job_id)", "jobs (created_at)", f"jobs {LATENCIES}"],
            scalar_subquery,
        ),
        (
            SEVERAL_ROWS,
            ["jobs (status, completed_at, id, processing_at)", "jobs (status, updated_at)"],
            window_function,
        ),
    ],
)
def test_a_source_without_indexes_is_told_which_columns_to_index(
    reason: str, to_index: list[str], source: Callable[[], TaskSource]
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        recommended_indexes(source())
    assert f"{reason}; index by hand: {', '.join(to_index)}" == str(raised.value)
