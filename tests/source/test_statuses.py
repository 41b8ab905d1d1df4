"""A host's own statuses stand for the figures' five."""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from flask_task_metrics import TaskSource
from tests.support.column_types import (
    JobStatus,
    MemberText,
    NumberStatus,
    PlainText,
    TextStatus,
    UtcTimestamp,
)
from tests.support.databases import on, run
from tests.support.host import snapshot_of
from tests.support.jobs import EXPECTED, TASKS, job_table, refusal_of, store
from tests.support.oracle import expected_snapshot
from tests.support.tasks import WINDOW

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


@on("postgresql")
def test_the_mapping_need_not_know_the_enum_of_its_column(engine: sa.Engine) -> None:
    statuses = sorted({task.status for task in TASKS if task.status})
    store(engine, job_table(status=sa.Enum(*statuses, name="job_status")))
    source = TaskSource(job_table(status=sa.types.NullType()), request_id="request_id")
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


def test_integers_stand_for_themselves(engine: sa.Engine) -> None:
    table = job_table(status=sa.Integer())
    store(engine, table, status=lambda status: NumberStatus[status.upper()].value)
    statuses: dict[str, Any] = {
        "completed": 0,
        "failed": 1,
        "cancelled": 2,
        "processing": (3,),
        "queued": 4,
    }
    source = TaskSource(table, request_id="request_id", statuses=statuses)
    assert EXPECTED == snapshot_of(engine, source)


def test_booleans_stand_for_themselves(engine: sa.Engine) -> None:
    table = job_table(status=sa.Boolean())
    tasks = [task for task in TASKS if task.status in ("completed", "queued", None)]
    store(engine, table, tasks, status=lambda status: status == "completed")
    nothing: dict[str, Any] = dict.fromkeys(["failed", "cancelled", "processing"], ())
    source = TaskSource(table, statuses=nothing | {"completed": True, "queued": False})
    # Without a processing status the state can't be told.
    expected = replace(expected_snapshot(tasks, WINDOW), state=None, reason=None)
    assert expected == snapshot_of(engine, source)


def test_ignored_statuses_count_as_created_alone(engine: sa.Engine) -> None:
    table = job_table()
    store(engine, table)
    source = TaskSource(table, statuses={"ignored": "paused"})
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


@pytest.mark.parametrize(
    "column_type",
    [
        sa.Numeric(10, 2),
        sa.LargeBinary(),
        sa.Date(),
        sa.DateTime(),
        UtcTimestamp(),
        sa.Interval(),
        sa.JSON(),
        sa.Uuid(as_uuid=False),
        postgresql.INET(),
    ],
    ids=repr,
)
def test_status_must_hold_text_integers_or_booleans(column_type: Any) -> None:
    expected = (
        f"status is mapped to a column of type {column_type!r}; "
        "it must hold text, integers or booleans"
    )
    assert expected == refusal_of(TaskSource(job_table(status=column_type)))


STATUS_VALUE = "it must be a string, an Enum member, an integer or a boolean"

LABELS_EXPECTED = (
    "but the status column holds only {}; map it in statuses, to () if there is no such status"
)


@pytest.mark.parametrize(
    ("column_type", "statuses", "message"),
    [
        (
            sa.String(32),
            {"done": "completed", "broken": "failed"},
            f"statuses maps broken, done; it can map {', '.join(MEMBERS)}, ignored",
        ),
        (
            sa.String(32),
            {"completed": ("done", "failed")},
            "'failed' stands for several of the statuses; map each apart",
        ),
        (
            sa.String(32),
            {"completed": 3},
            "completed stands for 3, but the status column holds str; map it in statuses",
        ),
        (
            sa.String(32),
            {"failed": ("lost", None)},
            f"statuses maps failed to None; {STATUS_VALUE}",
        ),
        (
            sa.Integer(),
            {"completed": True},
            "completed stands for True, but the status column holds int; map it in statuses",
        ),
        (
            sa.Boolean(),
            {"completed": 1},
            "completed stands for 1, but the status column holds bool; map it in statuses",
        ),
        (
            sa.String(32),
            {"failed": "lost", "ignored": ("draft", "lost")},
            "'lost' stands for several of the statuses; map each apart",
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
