"""`?engine=runway` filters the answer; a wrong filter is a 422 that says what would be right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.support.databases import on, run
from tests.support.dimensions import (
    Classified,
    classified_source,
    classified_table,
    store_classified,
)
from tests.support.host import SERIES, SOURCE, current_utc, engine_of, hosted
from tests.support.http import ERROR, body_of, get_snapshot
from tests.support.oracle import TaskRow

pytestmark = on("sqlite")

VALUES = {"tier": "PAID", "priority": 7, "urgent": True}


@pytest.fixture
def jobs(database_url: str) -> Iterator[FlaskClient]:
    table = classified_table()
    engine = sa.create_engine(database_url)
    now = current_utc()
    engines = ("runway", "pika", None, "")
    tasks: Classified = [
        (TaskRow(number, "queued", now, None, None, now), {"engine": name, **VALUES})
        for number, name in enumerate(engines, 1)
    ]
    store_classified(engine, table, tasks)
    engine.dispose()
    with hosted(database_url, {"jobs": classified_source(table), "tasks": SOURCE}) as app:
        yield app.test_client()


@pytest.mark.parametrize(
    ("query", "created"),
    [
        ("", 4),
        ("engine=runway", 1),
        ("engine=runway&engine=pika", 2),
        ("engine=", 2),
        ("engine", 2),
        ("engine=&engine=pika", 3),
        ("engine=RUNWAY", 0),
        ("engine=%ED%A0%80", 0),
        ("tier=paid&priority=7&urgent=true", 4),
        ("priority=-0", 0),
        ("urgent=false", 0),
        ("source=jobs&engine=pika", 1),
    ],
)
def test_a_dimension_is_a_parameter_that_may_be_repeated(
    jobs: FlaskClient, query: str, created: int
) -> None:
    assert created == body_of(get_snapshot(jobs, query))["tasks"]["created"]
    points = body_of(get_snapshot(jobs, query, SERIES))["points"]
    assert created == sum(point["created"] for point in points)


TEXT = "Must be text without NUL characters and lone surrogates, or empty for null."
TIER = "Must be one of FREE, PAID, or empty for null."
NUMBER = (
    "Must be a whole number from -9223372036854775808 to 9223372036854775807, or empty for null."
)
BOOLEAN = "Must be true or false, or empty for null."
MANY = "Must be 1 to 100 values, of 10000 characters together."


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("engine=a%00b", {"engine": [TEXT]}),
        ("engine=" + "x" * 10_001, {"engine": [MANY]}),
        ("&".join(f"engine={number}" for number in range(101)), {"engine": [MANY]}),
        ("tier=free&tier=gold", {"tier": [TIER]}),
        ("priority=1.5", {"priority": [NUMBER]}),
        ("priority=%D9%A6", {"priority": [NUMBER]}),
        ("priority=9223372036854775808", {"priority": [NUMBER]}),
        ("priority=" + "9" * 5_000, {"priority": [NUMBER]}),
        ("urgent=True", {"urgent": [BOOLEAN]}),
        ("urgent=1&minutes=0", {"urgent", "minutes"}),
    ],
)
def test_a_wrong_value_is_refused(
    jobs: FlaskClient, query: str, errors: dict[str, list[str]] | set[str]
) -> None:
    answer = get_snapshot(jobs, query)
    found = body_of(answer)["errors"]
    assert (422, errors) == (
        answer.status_code,
        found if isinstance(errors, dict) else set(found),
    )


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("engin=runway", "minutes, source, compare, groupBy, engine, tier, priority, urgent, big"),
        ("engin=runway&source=tasks", "minutes, source, compare"),
        (
            "engin=runway&source=jobs",
            "minutes, source, compare, groupBy, engine, tier, priority, urgent, big",
        ),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_dimensions_of_the_source(
    jobs: FlaskClient, query: str, names: str
) -> None:
    unknown = {"engin": [f"Unknown parameter; there are only: {names}."]}
    assert unknown == body_of(get_snapshot(jobs, query))["errors"]


def test_the_log_has_no_value_of_a_filter(
    jobs: FlaskClient, metric_log: pytest.LogCaptureFixture
) -> None:
    assert 200 == get_snapshot(jobs, "engine=s3cret").status_code
    run(engine_of(jobs.application), "DROP TABLE jobs")
    answer = get_snapshot(jobs, "engine=s3cret")
    assert ERROR[:2] == (answer.status_code, body_of(answer)["code"])
    assert "no such table: jobs" in metric_log.text
    assert "s3cret" not in metric_log.text


def test_groups_follow_the_figures_of_all(jobs: FlaskClient) -> None:
    body = body_of(get_snapshot(jobs, "groupBy=engine&compare=previous"))
    assert ["previous", "groups", "otherGroups", "groupCount"] == list(body)[-4:]
    assert (None, 3) == (body["otherGroups"], body["groupCount"])
    keys = ["engine", "tasks", "backlog", "latency", "topErrors"]
    assert [keys] * 3 == [list(group) for group in body["groups"]]
    created = {group["engine"]: group["tasks"]["created"] for group in body["groups"]}
    assert {None: 2, "pika": 1, "runway": 1} == created
    assert 4 == body["tasks"]["created"]


@pytest.mark.parametrize(
    ("query", "value"), [("tier", "PAID"), ("priority", 7), ("urgent", True), ("big", True)]
)
def test_a_group_has_its_value_in_json(jobs: FlaskClient, query: str, value: object) -> None:
    body = body_of(get_snapshot(jobs, f"groupBy={query}&engine=pika"))
    assert [(value, 1)] == [(group[query], group["tasks"]["created"]) for group in body["groups"]]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("groupBy=engin", "Must be one of: engine, tier, priority, urgent, big."),
        ("groupBy=", "Must be one of: engine, tier, priority, urgent, big."),
        ("groupBy=engine&groupBy=tier", "Must be given once."),
        (
            "groupBy=engine&source=tasks",
            "Unknown parameter; there are only: minutes, source, compare.",
        ),
    ],
)
def test_a_wrong_grouping_is_refused(jobs: FlaskClient, query: str, message: str) -> None:
    answer = get_snapshot(jobs, query)
    assert (422, {"groupBy": [message]}) == (answer.status_code, body_of(answer)["errors"])
