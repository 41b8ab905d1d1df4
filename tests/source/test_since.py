"""A source may be a function of the time since which tasks were created or updated."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskSource, recommended_indexes
from tests.support.events import tasks_since
from tests.support.host import Task
from tests.support.jobs import SQLITE, job_table, refusal_of

JOBS = job_table()
EXPECTED = "it must take one argument, a timestamp, and return a Select"
CONVERT = "convert one to the other, as in sa.extract('epoch', since)"
ONE_TOO_MANY = "TypeError('without_argument() takes 0 positional arguments but 1 was given')"


def broken(since: Any) -> Any:
    raise KeyError("jobs")


def table(since: Any) -> Any:
    return JOBS


def epoch_seconds(since: Any) -> Any:
    return sa.select(JOBS).where(JOBS.c.id >= since)


def without_argument() -> Any:
    return sa.select(JOBS)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (broken, f"the source broken raised KeyError('jobs'); {EXPECTED}"),
        (
            without_argument,
            f"the source without_argument raised {ONE_TOO_MANY}; {EXPECTED}",
        ),
        (table, f"the source table returned {JOBS!r}; {EXPECTED}"),
        (
            epoch_seconds,
            f"the source compares its timestamp with a column of type Integer(); {CONVERT}",
        ),
    ],
)
def test_a_wrong_function_is_refused(function: Any, message: str) -> None:
    assert message == refusal_of(TaskSource(function))


def test_a_function_without_a_name_is_shown_as_it_is() -> None:
    function = partial(table)
    assert f"the source {function!r} returned {JOBS!r}; {EXPECTED}" == refusal_of(
        TaskSource(function)
    )


def test_a_function_is_told_from_a_model() -> None:
    assert TaskSource(tasks_since).is_function
    assert not TaskSource(Task).is_function


def test_a_function_may_ignore_its_argument() -> None:
    source = TaskSource(lambda since: sa.select(Task))
    source.check(SQLITE)
    assert not source.is_derived


def test_indexes_are_recommended_for_a_function_that_selects_from_one_table() -> None:
    def recent(since: Any) -> sa.Select[Any]:
        is_open = JOBS.c.status.in_(("queued", "processing"))
        return sa.select(JOBS).where(sa.or_(JOBS.c.updated_at >= since, is_open))

    names = [index.name for index in recommended_indexes(TaskSource(JOBS))]
    assert names == [index.name for index in recommended_indexes(TaskSource(recent))]
