"""A source is whatever holds the host's tasks: each of these gives the same figures."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column, relationship

from flask_task_metrics import (
    ConfigurationError,
    MetricsError,
    Snapshot,
    TaskMetrics,
    TaskMetricsError,
    TaskSource,
    Window,
)

from .host import NOW, Timestamp, snapshot_of
from .oracle import TaskRow, expected_snapshot

WINDOW = Window.ending(NOW, 60)
TIMESTAMPS = ("created_at", "processing_at", "completed_at", "updated_at")


def at(minutes: float) -> datetime:
    """So many minutes after the window's start."""
    return WINDOW.start.replace(tzinfo=None) + timedelta(minutes=minutes)


TASKS = (
    TaskRow(1, "completed", at(10), at(11), at(13), at(13)),
    TaskRow(2, "completed", at(-90), at(5), at(0), at(20)),
    TaskRow(3, "failed", at(30), at(31), None, at(32), "NO_ANSWER after 31 s", "req_3"),
    TaskRow(4, "failed", at(33), at(34), None, at(35), "NO_ANSWER after 32 s", "req_4"),
    TaskRow(5, "failed", None, None, None, at(0)),
    TaskRow(6, "queued", at(-180), None, None, at(-180)),
    TaskRow(7, "processing", at(55), at(56), None, at(57)),
    TaskRow(8, "processing", at(0), None, None, at(50)),
    TaskRow(9, "cancelled", at(0), None, None, at(59)),
    TaskRow(10, "paused", at(0), None, None, at(0)),
    TaskRow(11),
)
EXPECTED = expected_snapshot(TASKS, WINDOW)
EXPECTED_WITHOUT_REQUESTS = expected_snapshot(
    [replace(task, request_id=None) for task in TASKS], WINDOW
)

COLUMNS: dict[str, Any] = {
    "id": sa.Integer(),
    "status": sa.String(32),
    "created_at": Timestamp,
    "processing_at": Timestamp,
    "completed_at": Timestamp,
    "updated_at": Timestamp,
    "error_message": sa.Text(),
    "request_id": sa.String(128),
}


def job_table(**types: Any) -> sa.Table:
    """A table of jobs with the usual columns, but for those whose type is given."""
    columns = (
        sa.Column(name, column_type, primary_key=name == "id")
        for name, column_type in (COLUMNS | types).items()
    )
    return sa.Table("jobs", sa.MetaData(), *columns)


def timestamps(value: Any) -> dict[str, Any]:
    return dict.fromkeys(TIMESTAMPS, value)


def store(
    engine: sa.Engine,
    table: sa.Table,
    tasks: Iterable[TaskRow] = TASKS,
    **stored: Callable[[Any], Any],
) -> None:
    """Create a table and put tasks into it, the columns given by what is `stored` for a value."""
    table.create(engine)
    rows = [
        {
            name: value if value is None or name not in stored else stored[name](value)
            for name, value in vars(task).items()
        }
        for task in tasks
    ]
    with engine.begin() as connection:
        connection.execute(sa.insert(table), rows)


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def set_of_task(engine: sa.Engine, column: sa.Column[Any], task: TaskRow, value: Any) -> None:
    """Write a value into a column of the row that a task is stored in."""
    table = column.table
    assert isinstance(table, sa.Table)
    with engine.begin() as connection:
        connection.execute(
            sa.update(table).where(table.c.id == task.id).values({column.name: value})
        )


def save(engine: sa.Engine, *objects: Base) -> None:
    with Session(engine) as session:
        session.add_all(objects)
        session.commit()


# What is mapped.


def test_table_with_the_usual_columns_needs_no_mapping(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    assert EXPECTED_WITHOUT_REQUESTS == snapshot_of(engine, table)


def test_empty_table_counts_nothing(engine: sa.Engine) -> None:
    table = job_table()
    table.create(engine)
    assert expected_snapshot([], WINDOW) == snapshot_of(engine, table)


def test_columns_may_have_other_names(engine: sa.Engine) -> None:
    names: dict[str, Any] = {name: f"Job {name}" for name in COLUMNS}
    columns = (sa.Column(names[name], COLUMNS[name], key=name) for name in COLUMNS)
    store(engine, sa.Table("jobs", sa.MetaData(), *columns))
    reflected = sa.Table("jobs", sa.MetaData(), autoload_with=engine)
    assert EXPECTED == snapshot_of(engine, TaskSource(reflected, **names))


def test_column_may_be_given_itself(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    source = TaskSource(table, status=table.c.status, request_id=table.c.request_id)
    assert EXPECTED == snapshot_of(engine, source)


def test_view_is_read_like_a_table(engine: sa.Engine) -> None:
    store(engine, job_table())
    run(engine, "CREATE VIEW job_view AS SELECT * FROM jobs")
    view = sa.Table("job_view", sa.MetaData(), autoload_with=engine)
    assert EXPECTED == snapshot_of(engine, TaskSource(view, request_id="request_id"))


def test_table_without_types_is_read(engine: sa.Engine) -> None:
    store(engine, job_table())
    table = sa.table("jobs", *map(sa.column, COLUMNS))
    assert EXPECTED == snapshot_of(engine, TaskSource(table, request_id="request_id"))


def selectables(table: sa.Table) -> dict[str, sa.FromClause | sa.SelectBase]:
    some = sa.select(table).where(table.c.id <= 5)
    rest = sa.select(table).where(table.c.id > 5)
    return {
        "select": sa.select(table),
        "subquery": sa.select(table).subquery(),
        "named subquery": sa.select(table).subquery("tasks"),
        "alias": table.alias("j"),
        "cte": sa.select(table).cte("recent"),
        "union": some.union_all(rest),
        "text": sa.text("SELECT * FROM jobs").columns(*table.c),
    }


@pytest.mark.parametrize("kind", selectables(job_table()))
def test_selectable_is_read(engine: sa.Engine, kind: str) -> None:
    table = job_table()
    store(engine, table)
    source = TaskSource(selectables(table)[kind], request_id="request_id")
    assert EXPECTED == snapshot_of(engine, source)


def test_join_is_read_by_its_tables_columns(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    run(
        engine,
        "CREATE TABLE job_errors (job_id INTEGER, message VARCHAR(200))",
        "INSERT INTO job_errors SELECT id, error_message FROM jobs WHERE error_message > ''",
        "UPDATE jobs SET error_message = 'WRONG_TABLE'",
    )
    errors = sa.Table("job_errors", sa.MetaData(), autoload_with=engine)
    columns: dict[str, Any] = dict(table.c) | {"error_message": errors.c.message}
    source = TaskSource(table.outerjoin(errors, errors.c.job_id == table.c.id), **columns)
    assert EXPECTED == snapshot_of(engine, source)


def test_expression_stands_for_a_column(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table, status=lambda status: status[:2])
    statuses = {task.status[:2]: task.status for task in TASKS if task.status}
    source = TaskSource(
        table,
        status=sa.case(statuses, value=table.c.status),
        updated_at=sa.func.coalesce(table.c.updated_at, table.c.created_at),
        request_id="request " + sa.cast(table.c.id, sa.String(20)),
    )
    expected = [replace(task, request_id=f"request {task.id}") for task in TASKS]
    assert expected_snapshot(expected, WINDOW) == snapshot_of(engine, source)


FROM_EPOCH: Mapping[str, Callable[[Any], Any]] = {
    "sqlite": lambda seconds: sa.func.datetime(seconds, "unixepoch"),
    "postgresql": sa.func.to_timestamp,
    "mariadb": sa.func.from_unixtime,
}


def test_seconds_of_an_epoch_are_read_through_an_expression(engine: sa.Engine) -> None:
    def seconds(moment: datetime) -> int:
        return int(moment.replace(tzinfo=timezone.utc).timestamp())

    table = job_table(**timestamps(sa.Integer()))
    store(engine, table, **timestamps(seconds))
    from_epoch = FROM_EPOCH[engine.dialect.name]
    expressions = {name: from_epoch(table.c[name]) for name in TIMESTAMPS}
    source = TaskSource(table, request_id="request_id", **expressions)
    assert EXPECTED == snapshot_of(engine, source)


def test_member_of_a_json_column_is_read_through_an_expression(engine: sa.Engine) -> None:
    table = job_table(error_message=sa.JSON(none_as_null=True))
    store(engine, table, error_message=lambda message: {"error": message})
    message = table.c.error_message["error"].as_string()
    source = TaskSource(table, error_message=message, request_id="request_id")
    assert EXPECTED == snapshot_of(engine, source)


# Models.


ANY_KIND = {"polymorphic_on": "kind", "polymorphic_identity": "any"}
VIDEO = {"polymorphic_identity": "video"}


class Base(DeclarativeBase):
    """The models of this module, most of which map a table of jobs of their own."""


class Job(Base):
    """A model whose attributes are named unlike its columns."""

    __tablename__ = "jobs"

    number: Mapped[int] = mapped_column("id", primary_key=True)
    state: Mapped[str | None] = mapped_column("status", sa.String(32))
    created: Mapped[datetime | None] = mapped_column("created_at", Timestamp)
    started: Mapped[datetime | None] = mapped_column("processing_at", Timestamp)
    completed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    updated_at: Mapped[datetime | None] = mapped_column(Timestamp)
    error: Mapped[str | None] = mapped_column("error_message", sa.Text)
    request_id: Mapped[str | None] = mapped_column(sa.String(128))
    parent_number: Mapped[int | None] = mapped_column(sa.ForeignKey("jobs.id"))
    parent: Mapped[Job | None] = relationship(remote_side="Job.number")


class UpperCaseJob(Base):
    """A model with an attribute that is an expression."""

    __table__ = job_table()
    status: Mapped[str]

    @hybrid_property
    def state(self) -> Any:
        return sa.func.lower(self.status)


class TimedJob(Base):
    """A model with a property that works on instances only."""

    __table__ = job_table()
    created_at: Mapped[datetime]
    completed_at: Mapped[datetime]

    @hybrid_property
    def seconds(self) -> float:
        return (self.completed_at - self.created_at).total_seconds()


class AnyJob(Base):
    """A model whose table holds several kinds of jobs."""

    __table__ = job_table(kind=sa.String(20))
    __mapper_args__ = ANY_KIND


class VideoJob(AnyJob):
    """One of those kinds."""

    __mapper_args__ = VIDEO


class Work(Base):
    """A model whose kinds have tables of their own."""

    __tablename__ = "work"
    __mapper_args__ = ANY_KIND

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    status: Mapped[str | None] = mapped_column(sa.String(32))
    created_at: Mapped[datetime | None] = mapped_column(Timestamp)
    processing_at: Mapped[datetime | None] = mapped_column(Timestamp)
    completed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    updated_at: Mapped[datetime | None] = mapped_column(Timestamp)


class VideoWork(Work):
    """One of those kinds, with columns in both tables."""

    __tablename__ = "video_work"
    __mapper_args__ = VIDEO

    id: Mapped[int] = mapped_column(sa.ForeignKey("work.id"), primary_key=True)
    error_message: Mapped[str | None] = mapped_column(sa.Text)
    request_id: Mapped[str | None] = mapped_column(sa.String(128))


def table_of(model: type[DeclarativeBase]) -> sa.Table:
    assert isinstance(model.__table__, sa.Table)
    return model.__table__


def test_model_is_mapped_by_its_attributes(engine: sa.Engine) -> None:
    store(engine, table_of(Job))
    source = TaskSource(
        Job,
        id="number",
        status=Job.state,
        created_at="created",
        processing_at="started",
        error_message="error",
        request_id=Job.request_id,
    )
    assert EXPECTED == snapshot_of(engine, source)


def test_hybrid_property_is_an_attribute_of_the_model(engine: sa.Engine) -> None:
    store(engine, table_of(UpperCaseJob), status=str.upper)
    source = TaskSource(UpperCaseJob, status="state", request_id="request_id")
    assert EXPECTED == snapshot_of(engine, source)


def test_property_that_works_on_instances_only_is_no_hindrance(engine: sa.Engine) -> None:
    store(engine, table_of(TimedJob))
    assert EXPECTED == snapshot_of(engine, TaskSource(TimedJob, request_id="request_id"))


def test_model_of_one_table_for_several_counts_its_own_rows(engine: sa.Engine) -> None:
    table_of(AnyJob).create(engine)
    save(engine, *(VideoJob(**vars(task)) for task in TASKS))
    save(engine, *(AnyJob(**vars(task) | {"id": task.id + 100}) for task in TASKS))
    assert EXPECTED == snapshot_of(engine, TaskSource(VideoJob, request_id="request_id"))


def test_model_of_joined_tables_is_read_from_both(engine: sa.Engine) -> None:
    Base.metadata.create_all(engine, [table_of(Work), table_of(VideoWork)])
    save(engine, *(VideoWork(**vars(task)) for task in TASKS))
    save(engine, Work(id=100, status="queued", created_at=at(0)))
    assert EXPECTED == snapshot_of(engine, TaskSource(VideoWork, request_id="request_id"))


def test_model_may_refer_to_a_class_that_is_defined_later(engine: sa.Engine) -> None:
    class Later(DeclarativeBase):
        """Models of this test's own, since they are set up together."""

    class OwnedJob(Later):
        __table__ = job_table(owner_id=sa.Integer())
        owner = relationship("Owner", primaryjoin="foreign(OwnedJob.owner_id) == Owner.id")

    source = TaskSource(OwnedJob, request_id="request_id")
    app = Flask("host")
    task_metrics = TaskMetrics(engine, source)

    class Owner(Later):
        __tablename__ = "owners"

        id: Mapped[int] = mapped_column(primary_key=True)

    store(engine, table_of(OwnedJob))
    task_metrics.init_app(app)
    with app.app_context():
        assert EXPECTED == task_metrics.snapshot(now=NOW)
    assert Owner is OwnedJob(owner=Owner(id=1)).owner.__class__


def test_aliased_model_is_read(engine: sa.Engine) -> None:
    store(engine, table_of(Job))
    job = aliased(Job)
    source = TaskSource(
        sa.select(job).where(job.number > 0),
        status="status",
        request_id="request_id",
    )
    assert EXPECTED == snapshot_of(engine, source)


# Statuses.


class JobStatus(enum.Enum):
    """A host's statuses, one of which no figure counts."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PROCESSING = "processing"
    QUEUED = "queued"
    PAUSED = "paused"


class TextStatus(str, enum.Enum):
    DONE = "done"
    LOST = "lost"


class NumberStatus(enum.IntEnum):
    COMPLETED = 0
    FAILED = 1
    CANCELLED = 2
    PROCESSING = 3
    QUEUED = 4
    PAUSED = 5


class MemberText(sa.types.TypeDecorator[JobStatus]):
    """A column that takes and gives members alone, and stores their values."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: JobStatus | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> JobStatus | None:
        return None if value is None else JobStatus(value)


class PlainText(sa.types.TypeDecorator[str]):
    """A column of strings by another name."""

    impl = sa.String(32)
    cache_ok = True


MEMBERS = {member.value: member for member in JobStatus if member is not JobStatus.PAUSED}


def values_of(enum_class: type[enum.Enum]) -> list[str]:
    return [member.value for member in enum_class]


def members_by_name(members: type[enum.Enum]) -> dict[str, enum.Enum]:
    return {
        name.lower(): member for name, member in members.__members__.items() if name != "PAUSED"
    }


def test_statuses_are_renamed_and_several_stand_for_one(engine: sa.Engine) -> None:
    names = {"completed": "done", "failed": "lost", "processing": "running"}
    table = job_table()
    store(engine, table, status=lambda status: names.get(status, status))
    run(engine, "UPDATE jobs SET status = 'Succeeded' WHERE id = 2")
    statuses = {"completed": ("done", "Succeeded"), "failed": ["lost"], "processing": "running"}
    source = TaskSource(table, request_id="request_id", statuses=statuses)
    assert EXPECTED == snapshot_of(engine, source)


def test_empty_tuple_says_that_there_is_no_such_status(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    source = TaskSource(table, request_id="request_id", statuses={"cancelled": ()})
    expected = [
        replace(task, status=None if task.status == "cancelled" else task.status) for task in TASKS
    ]
    assert expected_snapshot(expected, WINDOW) == snapshot_of(engine, source)


@pytest.mark.parametrize(
    ("column_type", "statuses"),
    [
        (sa.Enum(JobStatus), None),
        (sa.Enum(JobStatus), MEMBERS),
        (sa.Enum(JobStatus, values_callable=values_of), None),
        (sa.Enum(JobStatus, values_callable=values_of), MEMBERS),
        (sa.Enum(JobStatus, native_enum=False), MEMBERS),
        (sa.Enum(JobStatus, native_enum=False, values_callable=values_of), None),
    ],
    ids=[
        "by name",
        "by name, members given",
        "by value",
        "by value, members given",
        "not native, by name, members given",
        "not native, by value",
    ],
)
def test_enum_column_holds_members_by_name_or_value(
    engine: sa.Engine, column_type: sa.Enum, statuses: dict[str, JobStatus] | None
) -> None:
    table = job_table(status=column_type)
    store(engine, table, status=JobStatus)
    source = TaskSource(table, request_id="request_id", statuses=statuses)
    assert EXPECTED == snapshot_of(engine, source)


def test_enum_column_may_have_strings_alone(engine: sa.Engine) -> None:
    table = job_table(status=sa.Enum(*values_of(JobStatus), name="job_status"))
    store(engine, table)
    assert EXPECTED == snapshot_of(engine, TaskSource(table, request_id="request_id"))


def test_members_of_a_string_enum_stand_for_strings(engine: sa.Engine) -> None:
    names = {"completed": "done", "failed": "lost"}
    table = job_table()
    store(engine, table, status=lambda status: names.get(status, status))
    statuses = {"completed": TextStatus.DONE, "failed": (TextStatus.LOST,)}
    source = TaskSource(table, request_id="request_id", statuses=statuses)
    assert EXPECTED == snapshot_of(engine, source)


def test_members_of_an_integer_enum_stand_for_integers(engine: sa.Engine) -> None:
    table = job_table(status=sa.Integer())
    store(engine, table, status=lambda status: NumberStatus[status.upper()].value)
    statuses = members_by_name(NumberStatus)
    source = TaskSource(table, request_id="request_id", statuses=statuses)
    assert EXPECTED == snapshot_of(engine, source)


def test_status_column_may_have_a_type_of_the_host_s_own(engine: sa.Engine) -> None:
    table = job_table(status=PlainText())
    store(engine, table)
    assert EXPECTED == snapshot_of(engine, TaskSource(table, request_id="request_id"))


def test_type_of_the_host_s_own_may_take_members_alone(engine: sa.Engine) -> None:
    table = job_table(status=MemberText())
    store(engine, table, status=JobStatus)
    source = TaskSource(table, request_id="request_id", statuses=MEMBERS)
    assert EXPECTED == snapshot_of(engine, source)


def store_alike_statuses(engine: sa.Engine, collation: str | None) -> Snapshot:
    """Store the tasks, two of them with a status that a collation may take for another; give the
    figures without these two.
    """
    store(engine, job_table(status=sa.String(32, collation=collation)))
    run(
        engine,
        "UPDATE jobs SET status = 'Completed' WHERE id = 1",
        "UPDATE jobs SET status = 'failed ' WHERE id = 3",
    )
    tasks = [replace(task, status=None) if task.id in (1, 3) else task for task in TASKS]
    return expected_snapshot(tasks, WINDOW)


def create_case_insensitive(engine: sa.Engine) -> None:
    run(
        engine,
        "CREATE COLLATION case_insensitive "
        "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    )


CASE_INSENSITIVE = {"sqlite": "NOCASE", "mariadb": "utf8mb4_general_ci", "postgresql": None}


@pytest.mark.parametrize(
    "column_type",
    [sa.String(32), PlainText(), sa.types.NullType()],
    ids=["string", "the host's own", "unknown"],
)
def test_status_is_compared_to_the_letter_whatever_the_column_s_type(
    engine: sa.Engine, column_type: sa.types.TypeEngine[Any]
) -> None:
    expected = store_alike_statuses(engine, CASE_INSENSITIVE[engine.dialect.name])
    source = TaskSource(job_table(status=column_type), request_id="request_id")
    assert expected == snapshot_of(engine, source)


@pytest.mark.parametrize("database_url", ["postgresql-by-url"], indirect=True)
def test_status_is_compared_to_the_letter_under_a_collation_of_icu(engine: sa.Engine) -> None:
    create_case_insensitive(engine)
    expected = store_alike_statuses(engine, "case_insensitive")
    source = TaskSource(job_table(), request_id="request_id")
    assert expected == snapshot_of(engine, source)


# Ids.


@pytest.mark.parametrize(
    ("column_type", "stored", "expected"),
    [
        (sa.BigInteger(), lambda number: number + 2**40, "1099511627780"),
        (sa.String(40), lambda number: f"job/{number}", "job/4"),
        (sa.Uuid(), lambda number: UUID(int=number), "00000000-0000-0000-0000-000000000004"),
        (
            sa.Uuid(as_uuid=False),
            lambda number: str(UUID(int=number)),
            "00000000-0000-0000-0000-000000000004",
        ),
    ],
    ids=["integer", "string", "UUID", "UUID as string"],
)
def test_task_id_is_the_id_as_a_string(
    engine: sa.Engine, column_type: Any, stored: Callable[[int], Any], expected: str
) -> None:
    table = job_table(id=column_type)
    store(engine, table, id=stored)
    samples = {error.code: error.sample for error in snapshot_of(engine, table).top_errors}
    assert expected == samples["NO_ANSWER"].task_id


# Timestamps.

AWARE = sa.DateTime(timezone=True).with_variant(mysql.TIMESTAMP(fsp=6), "mysql", "mariadb")


def in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc)


class UtcTimestamp(sa.types.TypeDecorator[datetime]):
    """A column that takes and gives aware timestamps alone."""

    impl = Timestamp
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else in_utc(value)


def test_timestamps_may_be_aware(engine: sa.Engine) -> None:
    table = job_table(**timestamps(AWARE))
    store(engine, table, **timestamps(in_utc))
    assert EXPECTED == snapshot_of(engine, TaskSource(table, request_id="request_id"))


def test_timestamps_may_have_a_type_of_the_host_s_own(engine: sa.Engine) -> None:
    table = job_table(**timestamps(UtcTimestamp()))
    store(engine, table, **timestamps(in_utc))
    assert EXPECTED == snapshot_of(engine, TaskSource(table, request_id="request_id"))


def test_timestamps_may_lack_fractions(engine: sa.Engine) -> None:
    table = job_table(**timestamps(sa.DateTime()))
    store(engine, table)
    assert EXPECTED == snapshot_of(engine, TaskSource(table, request_id="request_id"))


KOLKATA = {
    "postgresql": ("SHOW TimeZone", {"options": "-c TimeZone=Asia/Kolkata"}),
    "mariadb": ("SELECT @@time_zone", {"init_command": "SET time_zone = '+05:30'"}),
}


@pytest.fixture
def engine_in_kolkata(database_url: str) -> Iterator[sa.Engine]:
    """An engine with one connection, whose session's time zone is not UTC."""
    url = sa.make_url(database_url)
    _, connect_args = KOLKATA[url.get_backend_name()]
    engine = sa.create_engine(url, connect_args=connect_args, pool_size=1, max_overflow=0)
    yield engine
    engine.dispose()


def session_time_zone(engine: sa.Engine) -> Any:
    query, _ = KOLKATA[engine.dialect.name]
    with engine.connect() as connection:
        return connection.exec_driver_sql(query).scalar_one()


@pytest.mark.parametrize(
    "database_url", ["postgresql", "mariadb", "postgresql-by-url"], indirect=True
)
@pytest.mark.parametrize(
    ("column_type", "stored"),
    [(Timestamp, lambda moment: moment), (AWARE, in_utc)],
    ids=["naive", "aware"],
)
def test_session_time_zone_changes_no_figure(
    engine: sa.Engine,
    engine_in_kolkata: sa.Engine,
    column_type: Any,
    stored: Callable[[datetime], datetime],
) -> None:
    table = job_table(**timestamps(column_type))
    store(engine, table, **timestamps(stored))
    source = TaskSource(table, request_id="request_id")
    assert EXPECTED == snapshot_of(engine_in_kolkata, source)


@pytest.mark.parametrize(
    "database_url", ["postgresql", "mariadb", "postgresql-by-url"], indirect=True
)
def test_session_time_zone_is_left_as_it_was(
    engine: sa.Engine, engine_in_kolkata: sa.Engine
) -> None:
    table = job_table()
    store(engine, table)
    before = session_time_zone(engine_in_kolkata)
    snapshot_of(engine_in_kolkata, table)
    assert before == session_time_zone(engine_in_kolkata)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "written",
    [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M:%S.%f",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%dT%H:%M:%S.000Z",
        "%Y-%m-%dT%H:%M:%S.%f+00:00",
    ],
)
def test_text_in_sqlite_is_a_timestamp_with_or_without_t_fraction_and_z(
    engine: sa.Engine, written: str
) -> None:
    text = job_table(**timestamps(sa.String(40)))
    store(engine, text, **timestamps(lambda moment: moment.strftime(written)))
    assert EXPECTED == snapshot_of(engine, TaskSource(job_table(), request_id="request_id"))


READ_HOWEVER_OLD = [
    ("created_at", TASKS[0]),
    ("created_at", TASKS[5]),
    ("processing_at", TASKS[0]),
    ("processing_at", TASKS[6]),
    ("updated_at", TASKS[7]),
]
READ_IN_THE_WINDOW = [
    ("created_at", TASKS[10]),
    ("completed_at", TASKS[0]),
    ("updated_at", TASKS[0]),
    ("updated_at", TASKS[2]),
]
"""Timestamps that are not come upon where their text sorts before the window."""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("text", "column", "task"),
    [
        *(("1769763600", *read) for read in READ_HOWEVER_OLD),
        *(("garbage", *read) for read in READ_HOWEVER_OLD + READ_IN_THE_WINDOW),
        *(("2026-01-30T11:30:00+02:00", *read) for read in READ_HOWEVER_OLD + READ_IN_THE_WINDOW),
        # In the usual form, but for what they say.
        *(("2026-01-30 09:60:00.000000", *read) for read in READ_HOWEVER_OLD + READ_IN_THE_WINDOW),
        *(("2026-13-30 09:30:00.000000", *read) for read in READ_HOWEVER_OLD + READ_IN_THE_WINDOW),
        *(("202x-01-30 09:30:00.000000", *read) for read in READ_HOWEVER_OLD + READ_IN_THE_WINDOW),
    ],
    ids=lambda value: f"{value.status}" if isinstance(value, TaskRow) else value,
)
def test_text_in_sqlite_that_is_not_utc_is_an_error_until_it_is_mended(
    engine: sa.Engine, text: str, column: str, task: TaskRow
) -> None:
    table = job_table(**timestamps(sa.String(40)))
    store(engine, table, **timestamps(str))
    source = TaskSource(job_table(), request_id="request_id")
    set_of_task(engine, table.c[column], task, text)
    with pytest.raises(MetricsError):
        snapshot_of(engine, source)
    moment = getattr(task, column)
    set_of_task(engine, table.c[column], task, moment and str(moment))
    assert EXPECTED == snapshot_of(engine, source)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_text_in_sqlite_may_have_both_forms_in_one_column(engine: sa.Engine) -> None:
    def text(moment: datetime) -> str:
        return moment.isoformat(" " if moment.minute % 2 else "T")

    tasks = [replace(task, error_message="NO_ANSWER") for task in TASKS]
    store(engine, job_table(**timestamps(sa.String(40))), tasks, **timestamps(text))
    source = TaskSource(job_table(), request_id="request_id")
    assert expected_snapshot(tasks, WINDOW) == snapshot_of(engine, source)


# Error codes and requests.


def codes_of(snapshot: Snapshot) -> list[tuple[str, int]]:
    return [(error.code, error.count) for error in snapshot.top_errors]


class ErrorCode(enum.Enum):
    TOO_LONG = "too long"


@pytest.mark.parametrize(
    ("column_type", "code", "expected"),
    [
        (sa.String(20), "no answer", [("no answer", 3)]),
        (sa.String(20), " NO_CODE \n", [("NO_CODE", 3)]),
        (sa.String(20), "É", [("É", 3)]),
        (sa.String(20), "", [("NO_ANSWER", 2), ("UNKNOWN", 1)]),
        (sa.String(20), " \n", [("NO_ANSWER", 2), ("UNKNOWN", 1)]),
        (sa.String(20), None, [("NO_ANSWER", 2), ("UNKNOWN", 1)]),
        (sa.Integer(), 504, [("504", 3)]),
        (sa.Enum(ErrorCode), ErrorCode.TOO_LONG, [("TOO_LONG", 3)]),
    ],
    ids=["text", "trimmed", "accent", "empty", "blank", "null", "integer", "enum"],
)
def test_error_code_column_comes_before_the_message(
    engine: sa.Engine, column_type: Any, code: Any, expected: list[tuple[str, int]]
) -> None:
    table = job_table(error_code=column_type)
    store(engine, table)
    with engine.begin() as connection:
        connection.execute(sa.update(table).values(error_code=code))
    assert expected == codes_of(snapshot_of(engine, TaskSource(table, error_code="error_code")))


def test_error_codes_that_differ_in_case_are_apart(engine: sa.Engine) -> None:
    table = job_table(error_code=sa.String(20))
    store(engine, table)
    run(
        engine,
        "UPDATE jobs SET error_code = 'Late'",
        "UPDATE jobs SET error_code = 'late' WHERE id = 3",
    )
    source = TaskSource(table, error_code="error_code")
    assert [("Late", 2), ("late", 1)] == codes_of(snapshot_of(engine, source))


def test_host_s_function_reads_whole_messages(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table, error_message=lambda message: "long " * 1_000 + message)
    snapshot = snapshot_of(engine, table, error_code_of=lambda message: message[-4:])
    assert [("31 s", 1), ("32 s", 1), ("UNKNOWN", 1)] == codes_of(snapshot)


def test_host_s_function_that_returns_no_string_is_an_error_of_the_package(
    engine: sa.Engine,
) -> None:
    table = job_table()
    store(engine, table)

    def code_of(message: str) -> Any:
        return 7

    with pytest.raises(TaskMetricsError) as raised:
        snapshot_of(engine, table, error_code_of=code_of)
    expected = "error_code_of returned 7; it must return a string, or None"
    assert expected == str(raised.value)


def test_host_s_function_may_leave_it_to_the_rules(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    source = TaskSource(table, request_id="request_id")
    assert EXPECTED == snapshot_of(engine, source, error_code_of=lambda message: None)


# Letters.

ALIKE_MESSAGES = ("It broke", "it broke", '{"code": "E"}', '{"code": "e"}', "größer", "großer")
MESSAGES_OF_THE_WORLD = ("größer", "ошибка", "провал", "エラー", "💥", "💥💥", '{"code": "größer"}')


def failures(messages: Iterable[str]) -> list[TaskRow]:
    """The tasks, and one that failed with each of the messages."""
    failed = (
        TaskRow(number, "failed", at(1), at(2), None, at(number - 80), message)
        for number, message in enumerate(messages, 100)
    )
    return [*TASKS, *failed]


@pytest.mark.parametrize("database_url", ["postgresql-by-url"], indirect=True)
def test_messages_are_read_to_the_letter_under_a_collation_of_icu(engine: sa.Engine) -> None:
    create_case_insensitive(engine)
    tasks = failures(ALIKE_MESSAGES)
    store(engine, job_table(error_message=sa.Text(collation="case_insensitive")), tasks)
    source = TaskSource(job_table(), request_id="request_id")
    expected = expected_snapshot(tasks, WINDOW, limit=100)
    assert expected == snapshot_of(engine, source, TASK_METRICS_TOP_ERRORS=100)


@pytest.fixture(params=["latin1", "utf8"])
def engine_in_charset(request: pytest.FixtureRequest, database_url: str) -> Iterator[sa.Engine]:
    """An engine of MariaDB's whose connections have a character set of their own."""
    url = sa.make_url(database_url).update_query_dict({"charset": request.param})
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


on_mariadb = pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)


@on_mariadb
@pytest.mark.parametrize(
    ("engine_in_charset", "done"),
    [("latin1", "fertig-ü"), ("utf8", "fertig-ü"), ("utf8", "готово"), ("cp1251", "готово")],
    indirect=["engine_in_charset"],
)
def test_connection_s_character_set_changes_no_status(
    engine: sa.Engine, engine_in_charset: sa.Engine, done: str
) -> None:
    table = job_table()
    store(engine, table, status=lambda status: done if status == "completed" else status)
    source = TaskSource(table, request_id="request_id", statuses={"completed": done})
    assert EXPECTED == snapshot_of(engine_in_charset, source)


@on_mariadb
def test_connection_s_character_set_changes_no_message(
    engine: sa.Engine, engine_in_charset: sa.Engine
) -> None:
    table = job_table()
    tasks = failures(MESSAGES_OF_THE_WORLD)
    store(engine, table, tasks)
    source = TaskSource(table, request_id="request_id")
    expected = expected_snapshot(tasks, WINDOW, limit=100)
    assert expected == snapshot_of(engine_in_charset, source, TASK_METRICS_TOP_ERRORS=100)


@on_mariadb
@pytest.mark.parametrize("code", ["Überlauf", "ошибка", "💥"])
def test_connection_s_character_set_changes_no_error_code(
    engine: sa.Engine, engine_in_charset: sa.Engine, code: str
) -> None:
    table = job_table(error_code=sa.String(20))
    store(engine, table)
    with engine.begin() as connection:
        connection.execute(sa.update(table).values(error_code=code))
    source = TaskSource(table, error_code="error_code")
    assert [(code, 3)] == codes_of(snapshot_of(engine_in_charset, source))


# Mappings that can't be.

JOBS = job_table()
OTHER = sa.Table("others", sa.MetaData(), sa.Column("state", sa.String(32)))
ROLES = ", ".join(COLUMNS)
TIMESTAMP_EXPECTED = "it must be a timestamp, or an expression that makes it one"
JOIN_EXPECTED = "join them in a subquery and map that"
SOURCE_EXPECTED = "it must be a model, a Table, a view or a subquery"


def refusal_of(source: TaskSource) -> str:
    """What a host is told of a source that can't be."""
    with pytest.raises(ConfigurationError) as raised:
        source.check()
    return str(raised.value)


def columns_expected(columns: str = ROLES) -> str:
    return f"it must be a SQL expression or the name of a column, one of {columns}"


@pytest.mark.parametrize(
    ("selectable", "mapping", "message"),
    [
        ("jobs", {}, f"the source is 'jobs'; {SOURCE_EXPECTED}"),
        (dict, {}, f"the source is <class 'dict'>; {SOURCE_EXPECTED}"),
        (None, {}, f"the source is None; {SOURCE_EXPECTED}"),
        (
            JOBS,
            {"status": "state"},
            f"status is mapped to 'state'; {columns_expected()}",
        ),
        (
            JOBS,
            {"error_code": "code"},
            f"error_code is mapped to 'code'; {columns_expected()}",
        ),
        (
            JOBS,
            {"request_id": 7},
            f"request_id is mapped to 7; {columns_expected()}",
        ),
        (
            JOBS,
            {"id": None},
            f"id is mapped to None; {columns_expected()}",
        ),
        (
            Job,
            {"id": "parent"},
            "id is mapped to 'parent'; "
            + columns_expected(
                "number, state, created, started, completed_at, updated_at, error, request_id, "
                "parent_number"
            ),
        ),
        (
            job_table(created_at=sa.String(40)),
            {},
            f"created_at is mapped to a column of type String(length=40); {TIMESTAMP_EXPECTED}",
        ),
        (
            job_table(processing_at=sa.Integer()),
            {},
            f"processing_at is mapped to a column of type Integer(); {TIMESTAMP_EXPECTED}",
        ),
        (
            job_table(updated_at=sa.Date()),
            {},
            f"updated_at is mapped to a column of type Date(); {TIMESTAMP_EXPECTED}",
        ),
        (
            job_table(completed_at=PlainText()),
            {},
            f"completed_at is mapped to a column of type {PlainText()!r}; {TIMESTAMP_EXPECTED}",
        ),
        (
            JOBS,
            {"status": OTHER.c.state},
            f"the mapped columns come from several tables (jobs, others); {JOIN_EXPECTED}",
        ),
    ],
)
def test_wrong_mapping_names_the_column_and_what_would_be_right(
    selectable: Any, mapping: dict[str, Any], message: str
) -> None:
    assert message == refusal_of(TaskSource(selectable, **mapping))


def test_property_that_fails_on_the_class_is_named_with_its_role() -> None:
    source = TaskSource(TimedJob, error_code="seconds")
    with pytest.raises(ConfigurationError, match="error_code is mapped to 'seconds'") as raised:
        source.check()
    assert isinstance(raised.value.__cause__, AttributeError)


@pytest.mark.parametrize(
    "column_type",
    [
        sa.Boolean(),
        sa.Numeric(10, 2),
        sa.LargeBinary(),
        sa.Date(),
        sa.DateTime(),
        UtcTimestamp(),
    ],
    ids=repr,
)
def test_status_must_hold_text_or_integers(column_type: Any) -> None:
    expected = (
        f"status is mapped to a column of type {column_type!r}; it must hold text or integers"
    )
    assert expected == refusal_of(TaskSource(job_table(status=column_type)))


LABELS_EXPECTED = (
    "but the status column holds only {}; map it in statuses, to () if there is no such status"
)


@pytest.mark.parametrize(
    ("column_type", "statuses", "message"),
    [
        (
            sa.String(32),
            {"done": "completed", "broken": "failed"},
            f"statuses maps broken, done; it can map {', '.join(MEMBERS)}",
        ),
        (
            sa.String(32),
            {"completed": ("done", "failed")},
            "'failed' stands for several of the statuses; map each apart",
        ),
        (
            sa.String(32),
            {"completed": 3},
            "statuses maps completed to 3; it must be a string or an Enum member",
        ),
        (
            sa.String(32),
            {"failed": ("lost", None)},
            "statuses maps failed to None; it must be a string or an Enum member",
        ),
        (
            sa.String(32),
            {"completed": NumberStatus.COMPLETED},
            "completed stands for 0, but the status column holds str; map it in statuses",
        ),
        (
            sa.Integer(),
            {},
            "completed stands for 'completed', but the status column holds int; map it in statuses",
        ),
        (
            sa.Enum("completed", "failed"),
            {"cancelled": ()},
            f"processing stands for 'processing', {LABELS_EXPECTED.format('completed, failed')}",
        ),
        (
            sa.Enum(TextStatus),
            {"completed": JobStatus.FAILED},
            "completed stands for <JobStatus.FAILED: 'failed'>, "
            + LABELS_EXPECTED.format("DONE, LOST"),
        ),
    ],
)
def test_wrong_statuses_name_the_value_and_what_would_be_right(
    column_type: Any, statuses: dict[str, Any], message: str
) -> None:
    assert message == refusal_of(TaskSource(job_table(status=column_type), statuses=statuses))


def test_members_stand_for_their_values_where_the_column_has_no_type() -> None:
    table = job_table(status=sa.types.NullType())
    source = TaskSource(table, statuses={"completed": JobStatus.COMPLETED})
    assert (JobStatus.COMPLETED.value,) == source.statuses["completed"]


def test_status_that_a_type_of_the_host_s_own_does_not_take_is_refused() -> None:
    expected = (
        "completed stands for 'completed', which its MemberText does not take; "
        "map it in statuses, to () if there is no such status"
    )
    assert expected == refusal_of(TaskSource(job_table(status=MemberText())))


def test_source_is_read_from_the_bind_of_its_tables() -> None:
    table = JOBS.to_metadata(sa.MetaData(info={"bind_key": "replica"}))
    assert "replica" == TaskSource(sa.select(table)).bind_key


def test_source_of_several_binds_is_refused() -> None:
    table = JOBS.to_metadata(sa.MetaData(info={"bind_key": "replica"}))
    source = TaskSource(sa.select(table).where(table.c.id.in_(sa.select(JOBS.c.id))))
    found = refusal_of(source).partition("(")[2].partition(")")[0]
    assert found in {"None, replica", "replica, None"}
