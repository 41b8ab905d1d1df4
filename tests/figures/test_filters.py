"""A filter by dimensions gives the figures of the tasks that it selects, and no others."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import InvalidFilterError, TaskSource
from tests.support.databases import on
from tests.support.dimensions import (
    Classified,
    Dimensions,
    Tier,
    classified_source,
    classified_table,
    filtered_snapshot,
    selected,
    store_classified,
    texts_of,
)
from tests.support.jobs import COLUMNS, job_table
from tests.support.oracle import TaskRow, expected_snapshot
from tests.support.series import expected_series, series_of
from tests.support.tasks import MESSAGES, STATUSES, WINDOW, ago

ENGINES = ("runway", "Runway", "runway ", "pika", "", None)


def classified_tasks(count: int) -> Classified:
    """Return tasks of the last two hours with every combination of dimensions."""
    drawn = random.Random(20260130)
    combinations = list(product(ENGINES, (*Tier, None), (-1, 0, 7, None), (True, False, None)))
    tasks: Classified = []
    for number in range(1, count + 1):
        created = ago(minutes=drawn.uniform(0, 120))
        done = created + timedelta(seconds=drawn.lognormvariate(2, 1))
        status = STATUSES[drawn.randrange(len(STATUSES))]
        message = drawn.choice(MESSAGES) if status == "failed" else None
        row = TaskRow(number, status, created, created, done, done, message, f"req_{number}")
        names = ("engine", "tier", "priority", "urgent")
        values = combinations[number % len(combinations)]
        tasks.append((row, dict(zip(names, values, strict=True))))
    return tasks


Case = tuple[Any, Callable[[Dimensions], bool]]

CASES: dict[str, Case] = {
    "none": ({}, lambda task: True),
    "text": ({"engine": "runway"}, lambda task: task["engine"] == "runway"),
    "texts": (
        {"engine": ["pika", "Runway", "nope"]},
        lambda task: task["engine"] in ("pika", "Runway"),
    ),
    "null": ({"engine": None}, lambda task: not task["engine"]),
    "empty": ({"engine": ""}, lambda task: not task["engine"]),
    "text or null": (
        {"engine": ("pika", None)},
        lambda task: task["engine"] in ("pika", "", None),
    ),
    "Enum member": ({"tier": Tier.PAID}, lambda task: task["tier"] is Tier.PAID),
    "Enum label": ({"tier": "PAID"}, lambda task: task["tier"] is Tier.PAID),
    "Enum value": ({"tier": {"paid", None}}, lambda task: task["tier"] is not Tier.FREE),
    "integer": ({"priority": -1}, lambda task: task["priority"] == -1),
    "great integer": ({"priority": [7, 2**63 - 1]}, lambda task: task["priority"] == 7),
    "boolean": ({"urgent": False}, lambda task: task["urgent"] is False),
    "boolean null": ({"urgent": None}, lambda task: task["urgent"] is None),
    "expression": ({"big": True}, lambda task: (task["priority"] or 0) > 5),
    "several": (
        {"engine": ["runway", "pika"], "urgent": True, "priority": [0, None]},
        lambda task: (
            task["engine"] in ("runway", "pika")
            and task["urgent"] is True
            and task["priority"] in (0, None)
        ),
    ),
}


def test_a_filter_gives_the_figures_of_the_tasks_that_it_selects(engine: sa.Engine) -> None:
    tasks = classified_tasks(1_500)
    table = classified_table()
    store_classified(engine, table, tasks)
    source = classified_source(table)
    for name, (where, holds) in CASES.items():
        expected = expected_snapshot(selected(tasks, holds), WINDOW)
        snapshot = filtered_snapshot(engine, source, where)
        # The reason may look less far back.
        assert expected == replace(snapshot, reason=expected.reason), name


def test_a_filter_selects_the_tasks_of_a_series(engine: sa.Engine) -> None:
    tasks = classified_tasks(300)
    table = classified_table()
    store_classified(engine, table, tasks)
    chosen = selected(tasks, lambda task: task["engine"] in ("pika", "", None))
    where = {"engine": ["pika", None]}
    series = series_of(engine, classified_source(table), points=6, where=where)
    assert expected_series(chosen, WINDOW, 6) == series


def test_a_filter_selects_tasks_of_a_derived_source(engine: sa.Engine) -> None:
    tasks = classified_tasks(300)
    table = classified_table()
    store_classified(engine, table, tasks)
    source = TaskSource(sa.select(table).distinct(), dimensions=("engine",))
    chosen = selected(tasks, lambda task: task["engine"] in ("pika", "", None))
    assert expected_snapshot(chosen, WINDOW) == filtered_snapshot(
        engine, source, {"engine": ["pika", None]}
    )


def test_a_filter_looks_no_further_back_for_the_last_end_than_it_needs(engine: sa.Engine) -> None:
    table = classified_table()
    ended = TaskRow(1, "completed", *(ago(minutes=9),) * 4)
    queued = TaskRow(2, "queued", ago(minutes=10), None, None, ago(minutes=10))
    store_classified(engine, table, [(ended, {"engine": "pika"}), (queued, {"engine": "pika"})])
    snapshot = filtered_snapshot(engine, classified_source(table), {"engine": "pika"})
    waiting = "1 due task is queued, for 10 min"
    expected = f"{waiting}; nothing has ended in the last 5 min; nothing is being processed"
    assert ("stalled", expected) == (snapshot.state, snapshot.reason)
    longer: dict[str, Any] = {"TASK_METRICS_STALLED_SECONDS": 600}
    snapshot = filtered_snapshot(engine, classified_source(table), {"engine": "pika"}, **longer)
    expected = f"{waiting}; the last task ended 9 min ago; nothing is being processed"
    assert ("working", expected) == (snapshot.state, snapshot.reason)


STRANGE = (
    "'; DROP TABLE jobs; --",
    '%s %(x)s :name {0} \\ " ` % _',
    "a\nb\tc\r\x01\x7f",
    "bröke 💥 \u202e\u0301",
    "  runway",
    "null",
    "x" * 10_000,
)


def test_a_filter_compares_every_character(engine: sa.Engine) -> None:
    table = job_table(engine=sa.Text())
    store_classified_texts(engine, table)
    source = TaskSource(table, dimensions=("engine",))
    for text in STRANGE:
        assert 1 == filtered_snapshot(engine, source, {"engine": text}).tasks.failed, text


def store_classified_texts(engine: sa.Engine, table: sa.Table) -> None:
    table.create(engine)
    rows = [
        {name: getattr(task, name) for name in COLUMNS} | dict(dimensions)
        for task, dimensions in texts_of(STRANGE)
    ]
    with engine.begin() as connection:
        connection.execute(sa.insert(table), rows)


@on("sqlite")
@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            {"engin": "runway"},
            "the dimension is 'engin'; it must be one of engine, tier, priority, urgent, big",
        ),
        (
            {"engine": 5},
            (
                "engine is 5; it must be text without NUL characters and lone surrogates, or "
                "empty for null"
            ),
        ),
        ({"engine": "a\0b"}, "engine is 'a\\x00b'; it must be text without NUL characters"),
        ({"engine": "\ud800"}, "engine is '\\ud800'; it must be text without NUL characters"),
        (
            {"engine": "x" * 10_001},
            "engine has 1 values of 10001 characters; it must be 1 to 100 values, of 10000",
        ),
        ({"priority": [*range(101)]}, "priority has 101 values of 0 characters; it must be 1 to"),
        ({"engine": []}, "engine has 0 values of 0 characters; it must be 1 to 100 values"),
        ({"tier": "paid "}, "tier is 'paid '; it must be one of FREE, PAID, or empty for null"),
        ({"tier": {}}, "tier is {}; it must be one of FREE, PAID, or empty for null"),
        ({"priority": "7"}, "priority is '7'; it must be a whole number from -9223372036854775808"),
        ({"priority": 2**63}, "priority is 9223372036854775808; it must be a whole number from"),
        ({"priority": True}, "priority is True; it must be a whole number from"),
        ({"urgent": 1}, "urgent is 1; it must be true or false, or empty for null"),
    ],
)
def test_a_wrong_filter_is_an_error_that_says_what_would_be_right(
    engine: sa.Engine, where: Any, message: str
) -> None:
    with pytest.raises(InvalidFilterError) as raised:
        filtered_snapshot(engine, classified_source(classified_table()), where)
    assert str(raised.value).startswith(message)


@on("sqlite")
def test_a_source_without_dimensions_has_no_filter(engine: sa.Engine) -> None:
    expected = "the dimension is 'engine'; it must be left out, since the source declares none"
    with pytest.raises(InvalidFilterError, match=expected):
        filtered_snapshot(engine, TaskSource(job_table()), {"engine": "runway"})
