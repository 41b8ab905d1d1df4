"""A window ends at the whole UTC second of now, and takes what is at its start or later."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from flask_task_metrics import InvalidWindowError, TaskCounts, Window
from tests.support.host import NOW, add_tasks, snapshot_of
from tests.support.tasks import (
    END,
    MICROSECOND,
    START,
    STATUSES,
    completed,
    errors_of,
    failed,
    measured,
)


@pytest.mark.parametrize(
    "now",
    [
        NOW,
        NOW.replace(microsecond=999_999),
        NOW.astimezone(timezone(timedelta(hours=5, minutes=30))),
    ],
    ids=["a whole second", "a fraction later", "another time zone"],
)
def test_window_ends_at_the_whole_second_of_now_in_utc(engine: sa.Engine, now: datetime) -> None:
    window = Window(60, NOW - timedelta(minutes=60), NOW)
    assert window == snapshot_of(engine, now=now).window


def test_window_begins_the_given_minutes_before_now(engine: sa.Engine) -> None:
    window = snapshot_of(engine, minutes=1440).window
    assert NOW - timedelta(days=1) == window.start


AROUND_THE_START = (
    START - MICROSECOND,
    START,
    START + MICROSECOND,
    START + 999_999 * MICROSECOND,
    END + timedelta(days=10),
)


def test_created_takes_what_was_created_at_the_window_s_start_or_later(
    engine: sa.Engine,
) -> None:
    add_tasks(engine, *({"created_at": moment} for moment in AROUND_THE_START))
    assert TaskCounts(4, 0, 0, 0, 0, 0) == snapshot_of(engine).tasks


def test_status_takes_what_was_updated_at_the_window_s_start_or_later(engine: sa.Engine) -> None:
    add_tasks(
        engine,
        *(
            {"status": status, "updated_at": moment}
            for status in STATUSES
            for moment in AROUND_THE_START
        ),
    )
    expected = TaskCounts(0, completed=4, failed=4, cancelled=4, processing=4, queued=4)
    assert expected == snapshot_of(engine).tasks


def test_a_window_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidWindowError, match="the window must be in the years 1 to 9999"):
        Window.ending(datetime.min.replace(tzinfo=timezone.utc), 60)


def test_latency_takes_what_was_completed_at_the_window_s_start_or_later(
    engine: sa.Engine,
) -> None:
    created = START - timedelta(minutes=1)
    add_tasks(engine, *(completed(created, created, moment) for moment in AROUND_THE_START))
    assert 4 == measured(snapshot_of(engine).latency.end_to_end_ms).samples


def test_top_errors_take_what_failed_at_the_window_s_start_or_later(engine: sa.Engine) -> None:
    add_tasks(engine, *(failed("NO_ANSWER", updated_at=moment) for moment in AROUND_THE_START))
    assert [4] == [error.count for error in errors_of(snapshot_of(engine))]
