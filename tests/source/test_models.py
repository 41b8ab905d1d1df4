"""Models are mapped by their attributes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column, relationship

from flask_task_metrics import ConfigurationError, TaskMetrics, TaskSource
from tests.support.host import NOW, Timestamp, snapshot_of
from tests.support.jobs import EXPECTED, SQLITE, TASKS, at, job_table, refusal_of, store


def save(engine: sa.Engine, *objects: Base) -> None:
    with Session(engine) as session:
        session.add_all(objects)
        session.commit()


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


def test_property_that_fails_on_the_class_is_named_with_its_role() -> None:
    source = TaskSource(TimedJob, error_code="seconds")
    with pytest.raises(ConfigurationError, match="error_code is mapped to 'seconds'") as raised:
        source.check(SQLITE)
    assert isinstance(raised.value.__cause__, AttributeError)


def test_relationship_of_the_model_is_no_column() -> None:
    expected = (
        "id is mapped to 'parent'; it must be a SQL expression or the name of a column, one of "
        "number, state, created, started, completed_at, updated_at, error, request_id, "
        "parent_number"
    )
    assert expected == refusal_of(TaskSource(Job, id="parent"))
