"""A source is derived if no index can serve its window."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased

from flask_task_metrics import TaskSource
from tests.support.events import all_tasks, tasks_since
from tests.support.host import Task
from tests.support.jobs import job_table

JOBS = job_table()
OTHERS = sa.Table(
    "others", sa.MetaData(), sa.Column("job_id", sa.Integer), sa.Column("at", sa.DateTime)
)
JOINED = sa.join(JOBS, OTHERS, JOBS.c.id == OTHERS.c.job_id)
NUMBERED = sa.select(JOBS, sa.func.row_number().over(order_by=JOBS.c.id).label("n")).subquery()


@pytest.mark.parametrize(
    "selectable",
    [
        Task,
        aliased(Task),
        JOBS,
        JOBS.alias("j"),
        sa.select(JOBS).where(JOBS.c.id > 3),
        sa.select(sa.select(JOBS).subquery().alias()),
        sa.select(JOBS).cte("recent"),
        sa.select(JOBS, OTHERS.c.at.label("seen_at")).select_from(JOINED),
        sa.select(JOBS).join(OTHERS, JOBS.c.id == OTHERS.c.job_id),
    ],
)
def test_a_table_is_not_derived_even_if_others_are_joined(selectable: Any) -> None:
    assert not TaskSource(selectable).is_derived


@pytest.mark.parametrize(
    "selectable",
    [
        all_tasks(),
        tasks_since,
        sa.union_all(sa.select(JOBS), sa.select(JOBS)),
        sa.select(JOBS).limit(3),
        sa.select(JOBS).offset(3),
        sa.select(JOBS).distinct(),
        sa.select(JOBS).join(sa.select(OTHERS).distinct().subquery(), sa.true()),
        sa.select(NUMBERED).where(NUMBERED.c.n == 1),
        sa.text("SELECT * FROM jobs").columns(*JOBS.c),
    ],
)
def test_rows_that_no_index_of_tasks_serves_are_derived(selectable: Any) -> None:
    assert TaskSource(selectable).is_derived


def test_timestamps_of_several_tables_are_derived() -> None:
    joined = sa.select(JOBS, OTHERS.c.at).select_from(JOINED)
    assert TaskSource(joined, updated_at="at").is_derived
