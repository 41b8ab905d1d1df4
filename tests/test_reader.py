"""A snapshot is read in Python, without HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta, timezone
from threading import Event, Semaphore
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import (
    ConfigurationError,
    InvalidWindowError,
    MetricsUnavailable,
    Snapshot,
    TaskMetrics,
    UnknownSourceError,
    Window,
)
from tests.support.host import NOW, Task
from tests.support.two_databases import (
    MAIN,
    REPLICA,
    create_app,
    engine_to,
    flask_sqlalchemy_of,
    replicated_tasks,
)


@pytest.fixture
def snapshot(two_database_config: dict[str, Any]) -> Iterator[Callable[..., Snapshot]]:
    """`TaskMetrics.snapshot` inside the context of an app."""
    app = create_app(two_database_config, TASK_METRICS_MAX_MINUTES=100)
    task_metrics = TaskMetrics(flask_sqlalchemy_of(app), Task, app=app)
    with app.app_context():
        yield task_metrics.snapshot


def test_a_snapshot_is_to_be_had_without_http(snapshot: Callable[..., Snapshot]) -> None:
    assert MAIN == snapshot().backlog.queued.count


def test_a_snapshot_is_of_the_last_hour_by_default(snapshot: Callable[..., Snapshot]) -> None:
    assert 60 == snapshot().window.minutes


def test_a_snapshot_is_of_the_configured_minutes_by_default(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config, TASK_METRICS_DEFAULT_MINUTES=7)
    task_metrics = TaskMetrics(flask_sqlalchemy_of(app), Task, app=app)
    with app.app_context():
        assert 7 == task_metrics.snapshot().window.minutes


def test_the_snapshot_of_another_task_metrics_is_refused(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config)
    db = flask_sqlalchemy_of(app)
    TaskMetrics(db, Task, app=app)
    with app.app_context(), pytest.raises(ConfigurationError, match="another TaskMetrics"):
        TaskMetrics(db, Task).snapshot()


def test_a_snapshot_ends_now_by_default(snapshot: Callable[..., Snapshot]) -> None:
    before = datetime.now(timezone.utc).replace(microsecond=0)

    assert before <= snapshot().window.end <= datetime.now(timezone.utc)


@pytest.mark.parametrize(
    "now",
    [
        NOW,
        NOW + timedelta(microseconds=999_999),
        NOW.astimezone(timezone(timedelta(hours=5, minutes=30))),
        NOW.astimezone(timezone(-timedelta(hours=11))),
    ],
)
def test_a_snapshot_ends_at_the_whole_utc_second_of_now(
    snapshot: Callable[..., Snapshot], now: datetime
) -> None:
    assert Window(7, NOW - timedelta(minutes=7), NOW) == snapshot(7, now=now).window


@pytest.mark.parametrize("minutes", [0, -1, 101, "60", 60.0, True])
def test_minutes_that_can_not_be_are_refused(
    snapshot: Callable[..., Snapshot], minutes: Any
) -> None:
    with pytest.raises(InvalidWindowError) as refusal:
        snapshot(minutes)

    assert f"minutes is {minutes!r}; it must be a whole number, 1 to 100" == str(refusal.value)


def test_a_now_without_a_time_zone_is_refused(snapshot: Callable[..., Snapshot]) -> None:
    naive = NOW.replace(tzinfo=None)

    with pytest.raises(InvalidWindowError) as refusal:
        snapshot(now=naive)

    assert (
        f"now is {naive!r}, which has no time zone; pass an aware datetime, "
        "such as datetime.now(timezone.utc)" == str(refusal.value)
    )


def test_a_snapshot_is_frozen(snapshot: Callable[..., Snapshot]) -> None:
    with pytest.raises(FrozenInstanceError):
        snapshot().tasks.created = 5  # type: ignore[misc]  # what must not be


@pytest.fixture
def of_source(two_database_config: dict[str, Any]) -> Iterator[Callable[..., Snapshot]]:
    """Yield `TaskMetrics.snapshot` of an app with two sources, inside its context."""
    app = create_app(two_database_config)
    sources: dict[str, Any] = {"videos": Task, "imports": replicated_tasks}
    task_metrics = TaskMetrics(flask_sqlalchemy_of(app), sources, app=app)
    with app.app_context():
        yield task_metrics.snapshot


@pytest.mark.parametrize(
    ("chosen", "queued"),
    [
        ({}, MAIN),
        ({"source": None}, MAIN),
        ({"source": "videos"}, MAIN),
        ({"source": "imports"}, REPLICA),
    ],
)
def test_a_snapshot_is_of_the_source_that_is_named_or_else_of_the_first(
    of_source: Callable[..., Snapshot], chosen: dict[str, Any], queued: int
) -> None:
    assert queued == of_source(**chosen).backlog.queued.count


@pytest.mark.parametrize("name", ["mail", "Videos", ""])
def test_the_snapshot_of_an_unknown_source_is_refused_with_those_there_are(
    of_source: Callable[..., Snapshot], name: str
) -> None:
    with pytest.raises(UnknownSourceError) as refusal:
        of_source(source=name)

    assert f"the source is {name!r}; it must be one of: videos, imports" == str(refusal.value)


def test_a_source_alone_may_be_named(two_database_config: dict[str, Any]) -> None:
    app = create_app(two_database_config)
    task_metrics = TaskMetrics(engine_to(app), {"videos": Task}, app=app)
    with app.app_context():
        assert MAIN == task_metrics.snapshot(source="videos").backlog.queued.count


def test_a_source_without_a_name_is_asked_for_without_one(
    snapshot: Callable[..., Snapshot],
) -> None:
    with pytest.raises(UnknownSourceError) as refusal:
        snapshot(source="videos")

    assert "the source is 'videos'; there is only one, without a name" == str(refusal.value)


def test_all_sources_of_an_engine_share_its_places_for_checkouts() -> None:
    ended, checkouts = Event(), Semaphore(0)

    def hang() -> Any:
        checkouts.release()
        ended.wait(30)
        raise ConnectionError

    engine = sa.create_engine("postgresql+psycopg://", creator=hang)
    app = create_app({"TASK_METRICS_TIMEOUT_MS": 200, "TASK_METRICS_MAX_CONCURRENT": 1})
    task_metrics = TaskMetrics(engine, {"videos": Task, "imports": Task}, app=app)
    with app.app_context():
        for name in ("videos", "imports", "videos", "imports"):
            with pytest.raises(MetricsUnavailable):
                task_metrics.snapshot(source=name)
    ended.set()
    assert [True, True, False] == [checkouts.acquire(blocking=False) for _ in range(3)]


def test_a_snapshot_needs_an_app_that_has_it(two_database_config: dict[str, Any]) -> None:
    app = create_app(two_database_config, "elsewhere")
    task_metrics = TaskMetrics(engine_to(app), Task)

    with app.app_context(), pytest.raises(ConfigurationError) as refusal:
        task_metrics.snapshot()

    message = "TaskMetrics is not mounted on 'elsewhere'; call its init_app(app) first"
    assert message == str(refusal.value)


@pytest.mark.parametrize("points", [0, -1, 501, "60", 60.0, True])
def test_points_that_can_not_be_are_refused(
    two_database_config: dict[str, Any], points: Any
) -> None:
    app = create_app(two_database_config)
    task_metrics = TaskMetrics(flask_sqlalchemy_of(app), Task, app=app)
    with app.app_context(), pytest.raises(InvalidWindowError) as refusal:
        task_metrics.series(points=points)

    assert f"points is {points!r}; it must be a whole number, 1 to 500" == str(refusal.value)


def test_a_series_is_of_the_last_hour_in_a_minute_each_by_default(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config)
    task_metrics = TaskMetrics(flask_sqlalchemy_of(app), Task, app=app)
    with app.app_context():
        series = task_metrics.series()

    assert (60, 60) == (series.window.minutes, series.step_seconds)


def test_the_series_of_another_task_metrics_is_refused(
    two_database_config: dict[str, Any],
) -> None:
    app = create_app(two_database_config)
    db = flask_sqlalchemy_of(app)
    TaskMetrics(db, Task, app=app)
    with app.app_context(), pytest.raises(ConfigurationError, match=r"call the series\(\)"):
        TaskMetrics(db, Task).series()
