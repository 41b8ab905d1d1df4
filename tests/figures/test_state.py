"""The state of the tasks: from numbers, and from the rows of every database."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import Backlog, BacklogCount, TaskSource
from flask_task_metrics.dialects import family_of
from flask_task_metrics.figures.state import Signs, reason_of, state_of
from tests.support.databases import on
from tests.support.host import Task, add_tasks, snapshot_of
from tests.support.oracle import LIMITS
from tests.support.tasks import END, MICROSECOND, ago

MINUTE = 60
HOUR = 60 * MINUTE


def backlog(queued: tuple[int, int | None], processing: tuple[int, int | None]) -> Backlog:
    """Return a backlog from the numbers and the oldest ages of its tasks."""
    waiting, running = (BacklogCount(count, age, None) for count, age in (queued, processing))
    return Backlog(waiting, running)


def signs(stuck: int = 0, ended: float | None = None, *, records_ends: bool = True) -> Signs:
    """Return signs of progress; `ended` are the seconds since the newest end."""
    since = None if ended is None else timedelta(seconds=ended)
    return Signs(stuck, since, timedelta(days=1), records_ends)


@pytest.mark.parametrize(
    ("queued", "processing", "seen", "state", "reason"),
    [
        (
            (12, 14 * MINUTE),
            (0, None),
            signs(ended=9 * MINUTE),
            "stalled",
            (
                "12 due tasks are queued, the oldest for 14 min; nothing has ended for 9 min; "
                "nothing is being processed"
            ),
        ),
        (
            (1, 300),
            (1, 3 * HOUR),
            signs(1),
            "stalled",
            (
                "1 due task is queued, for 5 min; nothing has ended in the last 24 h; "
                "1 task is being processed, for 3 h"
            ),
        ),
        (
            (2, 299),
            (2, 3 * HOUR),
            signs(2, 301),
            "stuck",
            (
                "2 due tasks are queued, the oldest for 4 min; nothing has ended for 5 min; "
                "2 tasks are being processed, the oldest for 3 h, all for more than 60 min"
            ),
        ),
        (
            (2, 5 * 24 * HOUR),
            (3, HOUR + 1),
            signs(2, 400),
            "stuck",
            (
                "2 due tasks are queued, the oldest for 5 days; nothing has ended for 6 min; "
                "3 tasks are being processed, the oldest for 60 min, 2 of them for more than 60 min"
            ),
        ),
        (
            (2, 301),
            (3, HOUR),
            signs(0, 300),
            "working",
            (
                "2 due tasks are queued, the oldest for 5 min; the last task ended 5 min ago; "
                "3 tasks are being processed, the oldest for 60 min"
            ),
        ),
        (
            (1, -7),
            (0, None),
            signs(0, -7),
            "working",
            (
                "1 due task is queued, for 0 s; the last task ended 0 s ago; "
                "nothing is being processed"
            ),
        ),
        (
            (0, None),
            (0, None),
            signs(),
            "idle",
            "no due task is queued; nothing has ended in the last 24 h; nothing is being processed",
        ),
        (
            (4, None),
            (0, None),
            signs(0, 301),
            None,
            (
                "4 due tasks are queued, no age is recorded; nothing has ended for 5 min; "
                "nothing is being processed"
            ),
        ),
        (
            (4, 300),
            (0, None),
            signs(0, 301, records_ends=False),
            None,
            (
                "4 due tasks are queued, the oldest for 5 min; completed tasks are not recorded; "
                "nothing is being processed"
            ),
        ),
        (
            (0, None),
            (1, None),
            signs(),
            None,
            (
                "no due task is queued; nothing has ended in the last 24 h; "
                "1 task is being processed, no age is recorded"
            ),
        ),
    ],
)
def test_a_state_has_its_figures_as_its_reason(
    queued: tuple[int, int], processing: tuple[int, int], seen: Signs, state: str, reason: str
) -> None:
    tasks = backlog(queued, processing)
    assert (state, reason) == (state_of(tasks, seen, LIMITS), reason_of(tasks, seen, LIMITS))


@pytest.mark.parametrize(("processing", "stuck"), [(0, 0), (2, 0), (2, 1), (2, 2)])
@pytest.mark.parametrize("ended", [None, 300, 301])
@pytest.mark.parametrize("queued", [(0, None), (1, 299), (1, 300), (1, None)])
@pytest.mark.parametrize("records_ends", [True, False])
def test_an_unknown_number_never_makes_a_state_say_more(
    processing: int,
    stuck: int,
    ended: int | None,
    queued: tuple[int, int | None],
    records_ends: bool,
) -> None:
    running = (processing, 2 * HOUR if processing else None)
    state = state_of(
        backlog(queued, running), signs(stuck, ended, records_ends=records_ends), LIMITS
    )
    ages = [(1, 299), (1, 300)] if queued == (1, None) else [queued]
    ends = [ended] if records_ends else [ended, 0]
    possible = {
        state_of(backlog(age, running), signs(stuck, end), LIMITS)
        for age, end in product(ages, ends)
    }
    known = {"stuck"} if stuck else {None}
    assert {state} == (possible if len(possible) == 1 else known)


def test_the_limits_are_settings_and_the_minutes_make_no_difference(engine: sa.Engine) -> None:
    add_tasks(
        engine,
        {"status": "queued", "created_at": ago(seconds=21)},
        {"status": "processing", "processing_at": ago(seconds=31)},
        {"status": "completed", "updated_at": ago(seconds=21)},
        {"status": "cancelled", "updated_at": ago(days=2)},
    )
    limits: dict[str, Any] = {"TASK_METRICS_STALLED_SECONDS": 20, "TASK_METRICS_STUCK_SECONDS": 30}
    later: dict[str, Any] = {**limits, "TASK_METRICS_STALLED_SECONDS": 21}
    expected = (
        "1 due task is queued, for 21 s; nothing has ended for 21 s; "
        "1 task is being processed, for 31 s"
    )
    for minutes in (1, 1440):
        snapshot = snapshot_of(engine, minutes=minutes, **limits)
        assert ("stalled", expected) == (snapshot.state, snapshot.reason)
        assert "stuck" == snapshot_of(engine, minutes=minutes, **later).state
    assert "working" == snapshot_of(engine).state


@pytest.mark.parametrize(
    ("column", "offset", "state"),
    [
        ("processing_at", timedelta(), "working"),
        ("processing_at", -MICROSECOND, "stuck"),
        ("updated_at", -MICROSECOND, "stuck"),
    ],
)
def test_a_task_is_stuck_once_it_is_older_than_an_hour(
    engine: sa.Engine, column: str, offset: timedelta, state: str
) -> None:
    add_tasks(engine, {"status": "processing", column: ago(hours=1) + offset})
    assert state == snapshot_of(engine).state


@pytest.mark.parametrize(
    ("status", "seconds", "state"),
    [
        ("completed", 300, "working"),
        ("failed", 300, "working"),
        ("cancelled", 300, "working"),
        ("completed", 300.000001, "stalled"),
    ],
)
def test_nothing_has_ended_if_no_end_is_in_the_last_five_minutes(
    engine: sa.Engine, status: str, seconds: float, state: str
) -> None:
    add_tasks(
        engine,
        {"status": "queued", "created_at": ago(minutes=5)},
        {"status": status, "updated_at": ago(days=1)},
        {"status": status, "updated_at": ago(seconds=seconds)},
        {"status": status, "updated_at": None},
        {"status": status.upper(), "updated_at": END},
    )
    assert state == snapshot_of(engine).state


def test_each_value_of_a_status_is_an_end(engine: sa.Engine) -> None:
    source = TaskSource(Task, statuses={"completed": ("done", "succeeded")})
    add_tasks(
        engine,
        {"status": "queued", "created_at": ago(hours=1)},
        {"status": "done", "updated_at": ago(hours=1)},
        {"status": "succeeded", "updated_at": ago(seconds=5)},
    )
    snapshot = snapshot_of(engine, source)
    assert snapshot.reason is not None
    assert ("working", True) == (
        snapshot.state,
        "; the last task ended 5 s ago;" in snapshot.reason,
    )


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_a_source_without_a_status_of_the_backlog_has_no_state(
    engine: sa.Engine, status: str
) -> None:
    snapshot = snapshot_of(engine, TaskSource(Task, statuses={status: ()}))
    assert (None, None) == (snapshot.state, snapshot.reason)


def test_a_source_without_completed_tasks_is_never_stalled(engine: sa.Engine) -> None:
    add_tasks(engine, {"status": "queued", "created_at": ago(hours=1)})
    assert "stalled" == snapshot_of(engine).state
    snapshot = snapshot_of(engine, TaskSource(Task, statuses={"completed": ()}))
    assert (None, True) == (
        snapshot.state,
        "completed tasks are not recorded" in str(snapshot.reason),
    )


def add_ends(engine: sa.Engine, *moments: str) -> None:
    """Insert a due task, and completed tasks whose `updated_at` is a text of the database's."""
    add_tasks(engine, {"status": "queued", "created_at": ago(hours=1)})
    with engine.connect() as connection:
        if family_of(engine.dialect) == "mysql":
            connection.exec_driver_sql("SET sql_mode = ''")
        for moment in moments:
            at: Any = sa.literal_column(f"'{moment}'")
            connection.execute(sa.insert(Task).values(status="completed", updated_at=at))
        connection.commit()
        # Its session stays permissive.
        connection.invalidate()


@on("sqlite")
@pytest.mark.parametrize(
    ("moments", "ended"),
    [
        (("2026-01-30 09:54:00", "2026-01-30T09:53:00Z"), "6 min"),
        (("2026-01-30T09:54:00Z", "2026-01-30 09:53:00"), "6 min"),
        (("2026-01-30 09:54:00.5", "2026-01-30 09:50:00", "2026-01-29T09:59:00"), "5 min"),
        (("2026-01-29T11:00:00", ""), "23 h"),
    ],
)
def test_the_newest_end_may_have_any_form(
    engine: sa.Engine, moments: tuple[str, ...], ended: str
) -> None:
    add_ends(engine, *moments)
    assert f"; nothing has ended for {ended};" in str(snapshot_of(engine).reason)


@on("postgresql")
@pytest.mark.parametrize(
    ("moment", "state"),
    [("9999-12-31", "working"), ("infinity", "stalled"), ("-infinity", "stalled")],
)
def test_an_end_after_the_window_is_just_now_and_at_infinity_never_was(
    engine: sa.Engine, moment: str, state: str
) -> None:
    add_ends(engine, moment)
    assert state == snapshot_of(engine).state


@on("sqlite")
@pytest.mark.parametrize("moment", ["2025-03-01", "2026-01-30 08:59", "2026-01-30 08:30:00+02:00"])
def test_an_end_that_can_not_be_read_never_was(engine: sa.Engine, moment: str) -> None:
    add_ends(engine, moment, "2026-01-30 08:00:00")
    snapshot = snapshot_of(engine)
    assert "stalled" == snapshot.state
    assert "; nothing has ended for 2 h;" in str(snapshot.reason)


@on("mariadb", "mysql")
def test_an_end_at_a_zero_date_never_was(engine: sa.Engine) -> None:
    add_ends(engine, "0000-00-00 00:00:00")
    assert "stalled" == snapshot_of(engine).state
