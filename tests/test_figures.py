"""Every figure is what its definition says, on every database."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_task_metrics import (
    Backlog,
    BacklogCount,
    ErrorSample,
    Latency,
    LatencyStats,
    Snapshot,
    TaskCounts,
    Window,
)
from flask_task_metrics.queries import count_errors

from .host import NOW, SOURCE, Task, add_tasks, snapshot_of
from .oracle import TaskRow, expected_snapshot

WINDOW = Window.ending(NOW, 60)
START = WINDOW.start.replace(tzinfo=None)
END = WINDOW.end.replace(tzinfo=None)
MICROSECOND = timedelta(microseconds=1)
NO_SAMPLES = LatencyStats(p50=None, p95=None, p99=None, max=None, avg=None, samples=0)


def replace_tasks(engine: sa.Engine, tasks: Sequence[TaskRow]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(Task))
        if tasks:
            connection.execute(sa.insert(Task), [asdict(task) for task in tasks])


def ago(**duration: float) -> datetime:
    return END - timedelta(**duration)


def failed(message: str | None, **columns: Any) -> dict[str, Any]:
    return {"status": "failed", "error_message": message, "updated_at": END} | columns


def completed(created: datetime, processing: datetime, done: datetime = END) -> dict[str, Any]:
    return {
        "status": "completed",
        "created_at": created,
        "processing_at": processing,
        "completed_at": done,
        "updated_at": END,
    }


# Generated tasks, compared with the oracle.

MESSAGES = (
    "ENGINE_TIMEOUT: no answer after 31 s",
    "ENGINE_TIMEOUT: no answer after 32 s",
    "[INVALID_PROMPT] too long",
    "RATE_LIMITED - retry",
    "QUOTA: used up",
    "QUOTA",
    "quota: used up",
    "ValueError: bad",
    "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='api', port=443)",
    "TimeoutError('x')",
    '{"error": "no", "code": "FROM_JSON"}',
    '{"code": 7, "errorCode": "OTHER_JSON"}',
    '{"detail": "' + "long " * 400 + '", "error_code": "LATE_IN_JSON"}',
    '{"detail": "' + "long " * 400 + '", "error_code": "LATER_IN_JSON"}',
    "connection to 10.0.0.1 timed out after 30 s",
    "connection to 10.0.0.2 timed out after 5 s",
    "no file 0f3b9c1e-5a55-4b7e-9d36-1f2e3d4c5b6a at deadbeef42",
    "it broke",
    "It broke",
    "it broke ",
    "it  broke\nsomewhere",
    "it bröke",
    "it broke 💥",
    "it broke 💥💥",
    "100% of 'it' \"broke\" \\ %s %(x)s :name",
    "broken " * 200 + "here",
    "broken " * 200 + "there",
    "",
    " \t\n ",
)
STATUSES = ("completed", "failed", "cancelled", "processing", "queued")
OTHER_STATUSES = ("Completed", "COMPLETED", "completed ", "complete", "")
OFFSETS = (-1_001, -1_000, -999, -400, -1, 0, 1, 499, 500, 999, 1_000, 1_001, 61_000_000)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
moments = st.builds(
    lambda moment, offset: moment + offset * MICROSECOND,
    st.sampled_from([START, ago(minutes=10), END]),
    st.sampled_from(OFFSETS) | st.integers(-(10**12), 10**10),
)
rows = st.builds(
    TaskRow,
    id=st.just(0),
    status=st.none() | st.sampled_from((*("completed", "failed") * 3, *STATUSES, *OTHER_STATUSES)),
    created_at=st.none() | moments,
    processing_at=st.none() | moments,
    completed_at=st.none() | moments,
    updated_at=st.none() | moments,
    error_message=st.none() | st.sampled_from(MESSAGES) | texts,
    request_id=st.none() | texts,
)
task_lists = st.lists(rows, max_size=14).map(
    lambda drawn: [TaskRow(**asdict(row) | {"id": number}) for number, row in enumerate(drawn, 1)]
)


@given(tasks=task_lists)
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_figures_of_generated_tasks_are_those_of_the_oracle(
    engine: sa.Engine, tasks: list[TaskRow]
) -> None:
    replace_tasks(engine, tasks)
    expected = expected_snapshot(tasks, WINDOW, limit=100)
    assert expected == snapshot_of(engine, TASK_METRICS_TOP_ERRORS=100)


def log_normal_tasks(count: int) -> list[TaskRow]:
    """Tasks of the last three hours, as a busy backend has them."""
    drawn = random.Random(20260130)
    tasks = []
    for number in range(1, count + 1):
        created = ago(hours=3) + timedelta(seconds=drawn.uniform(0, 3 * 3600))
        processing = created + timedelta(seconds=drawn.lognormvariate(1, 1))
        done = processing + timedelta(seconds=drawn.lognormvariate(3, 1))
        status = drawn.choices(STATUSES, weights=(80, 10, 5, 2, 3))[0]
        tasks.append(
            TaskRow(
                id=number,
                status=status,
                created_at=created,
                processing_at=None if status == "queued" else processing,
                completed_at=done if status == "completed" else None,
                updated_at=done,
                error_message=drawn.choice(MESSAGES) if status == "failed" else None,
                request_id=f"req_{number}",
            )
        )
    return tasks


def test_figures_of_many_tasks_are_those_of_the_oracle(engine: sa.Engine) -> None:
    tasks = log_normal_tasks(20_000)
    replace_tasks(engine, tasks)
    assert expected_snapshot(tasks, WINDOW) == snapshot_of(engine)


# The window.


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


def test_latency_takes_what_was_completed_at_the_window_s_start_or_later(
    engine: sa.Engine,
) -> None:
    created = START - timedelta(minutes=1)
    add_tasks(engine, *(completed(created, created, moment) for moment in AROUND_THE_START))
    assert 4 == snapshot_of(engine).latency.end_to_end_ms.samples


def test_top_errors_take_what_failed_at_the_window_s_start_or_later(engine: sa.Engine) -> None:
    add_tasks(engine, *(failed("NO_ANSWER", updated_at=moment) for moment in AROUND_THE_START))
    assert [4] == [error.count for error in snapshot_of(engine).top_errors]


# Counts.


def test_created_counts_tasks_of_every_status(engine: sa.Engine) -> None:
    statuses = (*STATUSES, *OTHER_STATUSES, None)
    add_tasks(engine, *({"status": status, "created_at": END} for status in statuses))
    assert len(statuses) == snapshot_of(engine).tasks.created


def test_status_counts_by_updated_at_not_created_at(engine: sa.Engine) -> None:
    for status in STATUSES:
        add_tasks(
            engine,
            {"status": status, "created_at": ago(days=1), "updated_at": END},
            {"status": status, "created_at": ago(days=1), "updated_at": None},
            {"status": status, "created_at": END, "updated_at": ago(days=1)},
        )
    assert TaskCounts(5, 1, 1, 1, 1, 1) == snapshot_of(engine).tasks


def test_status_that_is_not_one_to_the_letter_is_not_counted(engine: sa.Engine) -> None:
    add_tasks(engine, *(completed(END, END) | {"status": status} for status in OTHER_STATUSES))
    assert TaskCounts(len(OTHER_STATUSES), 0, 0, 0, 0, 0) == snapshot_of(engine).tasks


# The backlog.


def test_backlog_counts_tasks_however_old(engine: sa.Engine) -> None:
    old = {"created_at": ago(days=400), "processing_at": ago(days=400), "updated_at": ago(days=399)}
    add_tasks(engine, {"status": "queued"} | old, {"status": "processing"} | old)
    expected = BacklogCount(count=1, oldest_age_seconds=400 * 86_400)
    assert Backlog(queued=expected, processing=expected) == snapshot_of(engine).backlog


def test_backlog_of_no_tasks_has_no_age(engine: sa.Engine) -> None:
    add_tasks(engine, completed(END, END))
    expected = BacklogCount(count=0, oldest_age_seconds=None)
    assert Backlog(queued=expected, processing=expected) == snapshot_of(engine).backlog


def test_backlog_counts_tasks_without_timestamps(engine: sa.Engine) -> None:
    add_tasks(engine, {"status": "queued"}, {"status": "processing"})
    expected = BacklogCount(count=1, oldest_age_seconds=None)
    assert Backlog(queued=expected, processing=expected) == snapshot_of(engine).backlog


def test_queued_age_is_since_the_smallest_created_at(engine: sa.Engine) -> None:
    add_tasks(
        engine,
        {"status": "queued", "created_at": ago(seconds=10), "updated_at": ago(days=1)},
        {"status": "queued", "created_at": ago(seconds=5400)},
        {"status": "queued"},
        {"status": "failed", "created_at": ago(days=2)},
    )
    assert 5400 == snapshot_of(engine).backlog.queued.oldest_age_seconds


@pytest.mark.parametrize(
    ("processing_ages", "expected"),
    [
        ([(41, 90), (7, 7)], 41),
        ([(41, 90), (None, 60)], 60),
        ([(41, 90), (None, 20)], 41),
        ([(None, None), (3, None)], 3),
    ],
)
def test_processing_age_is_since_processing_at_or_else_updated_at(
    engine: sa.Engine, processing_ages: list[tuple[int | None, int | None]], expected: int
) -> None:
    def seconds_ago(seconds: int | None) -> datetime | None:
        return None if seconds is None else ago(seconds=seconds)

    add_tasks(
        engine,
        *(
            {
                "status": "processing",
                "created_at": ago(days=1),
                "processing_at": seconds_ago(processing),
                "updated_at": seconds_ago(updated),
            }
            for processing, updated in processing_ages
        ),
    )
    assert expected == snapshot_of(engine).backlog.processing.oldest_age_seconds


@pytest.mark.parametrize(("age", "expected"), [(1.0, 1), (1.999999, 1), (-0.5, 0)])
def test_age_is_cut_to_whole_seconds(engine: sa.Engine, age: float, expected: int) -> None:
    add_tasks(engine, {"status": "queued", "created_at": ago(seconds=age)})
    assert expected == snapshot_of(engine).backlog.queued.oldest_age_seconds


# Latency.


def test_latency_is_the_time_between_its_two_timestamps(engine: sa.Engine) -> None:
    add_tasks(engine, completed(ago(seconds=30), ago(seconds=25)))
    expected = Latency(
        time_to_processing_ms=LatencyStats(5_000, 5_000, 5_000, 5_000, 5_000, samples=1),
        time_to_complete_ms=LatencyStats(25_000, 25_000, 25_000, 25_000, 25_000, samples=1),
        end_to_end_ms=LatencyStats(30_000, 30_000, 30_000, 30_000, 30_000, samples=1),
    )
    assert expected == snapshot_of(engine).latency


def test_latency_leaves_out_tasks_not_completed_in_the_window_or_without_a_timestamp(
    engine: sa.Engine,
) -> None:
    whole = completed(ago(hours=3), ago(hours=3))
    add_tasks(
        engine,
        whole | {"status": "failed"},
        whole | {"status": None},
        whole | {"created_at": None},
        whole | {"processing_at": None},
        whole | {"completed_at": None},
        whole | {"completed_at": ago(hours=2)},
    )
    assert Latency(NO_SAMPLES, NO_SAMPLES, NO_SAMPLES) == snapshot_of(engine).latency


def test_latency_does_not_ask_for_updated_at(engine: sa.Engine) -> None:
    add_tasks(engine, completed(END, END) | {"updated_at": None})
    assert 1 == snapshot_of(engine).latency.end_to_end_ms.samples


@pytest.mark.parametrize(
    ("created", "processing", "expected"),
    [(5, 10, (0, 1, 1)), (10, -5, (1, 0, 1)), (-10, -5, (0, 0, 0))],
)
def test_negative_duration_is_left_out_of_its_own_figure_only(
    engine: sa.Engine, created: int, processing: int, expected: tuple[int, int, int]
) -> None:
    add_tasks(engine, completed(ago(seconds=created), ago(seconds=processing)))
    latency = snapshot_of(engine).latency
    assert expected == (
        latency.time_to_processing_ms.samples,
        latency.time_to_complete_ms.samples,
        latency.end_to_end_ms.samples,
    )


@pytest.mark.parametrize(
    ("microseconds", "expected"),
    [
        (1_999, 1),
        (-400, 0),
        (-999, 0),
        (-1_000, None),
    ],
)
def test_duration_is_cut_towards_zero_at_microsecond_input(
    engine: sa.Engine, microseconds: int, expected: int | None
) -> None:
    created = ago(minutes=30) + 123_457 * MICROSECOND
    add_tasks(engine, completed(created, created + microseconds * MICROSECOND))
    assert expected == snapshot_of(engine).latency.time_to_processing_ms.max


def add_durations(engine: sa.Engine, milliseconds: Sequence[int]) -> None:
    created = ago(minutes=30)
    add_tasks(
        engine, *(completed(created, created + timedelta(milliseconds=ms)) for ms in milliseconds)
    )


@pytest.mark.parametrize(
    ("n", "p50", "p95", "p99"),
    [(1, 1, 1, 1), (2, 2, 2, 2), (3, 2, 3, 3), (20, 11, 20, 20), (100, 51, 96, 100)],
)
def test_percentile_is_the_sorted_sample_at_n_times_p_over_100(
    engine: sa.Engine, n: int, p50: int, p95: int, p99: int
) -> None:
    add_durations(engine, range(n, 0, -1))
    stats = snapshot_of(engine).latency.time_to_processing_ms
    assert (p50, p95, p99, n) == (stats.p50, stats.p95, stats.p99, stats.max)


def test_equal_durations_are_samples_each(engine: sa.Engine) -> None:
    add_durations(engine, [7] * 5 + [9])
    expected = LatencyStats(p50=7, p95=9, p99=9, max=9, avg=7, samples=6)
    assert expected == snapshot_of(engine).latency.time_to_processing_ms


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [([2, 3], 3), ([1, 1, 2], 1)],
)
def test_avg_is_rounded_half_up(engine: sa.Engine, milliseconds: list[int], expected: int) -> None:
    add_durations(engine, milliseconds)
    assert expected == snapshot_of(engine).latency.time_to_processing_ms.avg


# Top errors.


def long_json(code: str) -> str:
    return '{"detail": "' + "long " * 1000 + f'", "code": "{code}"}}'


def codes_of(snapshot: Snapshot) -> list[tuple[str, int]]:
    return [(error.code, error.count) for error in snapshot.top_errors]


def test_most_frequent_error_comes_first_and_equal_counts_by_code(engine: sa.Engine) -> None:
    add_tasks(engine, *map(failed, ["B_B", "A_A", "C_C", "b", "C_C", "é", "B_C"]))
    expected = [("C_C", 2), ("A_A", 1), ("B_B", 1), ("B_C", 1), ("b", 1)]
    assert expected == codes_of(snapshot_of(engine))


def test_top_errors_are_as_many_as_the_setting_says(engine: sa.Engine) -> None:
    add_tasks(engine, *map(failed, ["A_A", "A_A", "A_A", "B_B", "B_B", "C_C"]))
    snapshot = snapshot_of(engine, TASK_METRICS_TOP_ERRORS=2)
    assert [("A_A", 3), ("B_B", 2)] == codes_of(snapshot)


def test_counts_of_all_codes_add_up_to_tasks_failed(engine: sa.Engine) -> None:
    add_tasks(engine, *(failed(message) for message in (*MESSAGES, None)))
    snapshot = snapshot_of(engine, TASK_METRICS_TOP_ERRORS=100)
    assert snapshot.tasks.failed == sum(error.count for error in snapshot.top_errors)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (["E_T: after 31 s", "E_T: after 32 s"], [("E_T", 2)]),
        (["no answer in 31 s", "no answer in 32 s"], [("no answer in <n> s", 2)]),
        (["it broke", "it broke ", " it  broke\n"], [("it broke", 3)]),
        (["it broke", "It broke", "it bröke"], [("It broke", 1), ("it broke", 1), ("it bröke", 1)]),
        (["💥", "💥💥", "💥"], [("💥", 2), ("💥💥", 1)]),
        ([None, "", " \n\t"], [("UNKNOWN", 3)]),
        (["it broke " * 200 + "A", "it broke " * 200 + "B"], [(("it broke " * 12)[:100], 2)]),
        (
            ["it broke " * 200 + "A" + "\n{", "it broke"],
            [("it broke", 1), (("it broke " * 12)[:100], 1)],
        ),
        ([long_json("A"), long_json("B"), long_json("A")], [("A", 2), ("B", 1)]),
        ([blank + long_json("A") for blank in ("", " ", "\r\n", "\t", "\x1f")], [("A", 5)]),
        ([" " * 2000 + "QUOTA: used up", "\n" * 2000 + "QUOTA"], [("QUOTA", 2)]),
        (["%s", "%%", "\\", "\\\\", "'"], [("%%", 1), ("%s", 1), ("'", 1), ("\\", 1), ("\\\\", 1)]),
    ],
    ids=[
        "code",
        "pattern",
        "white space",
        "letters",
        "emoji",
        "blank",
        "long",
        "long with a brace",
        "long JSON",
        "long JSON behind white space",
        "far behind white space",
        "quoting",
    ],
)
def test_failures_are_counted_by_code_never_by_raw_message(
    engine: sa.Engine, messages: list[str | None], expected: list[tuple[str, int]]
) -> None:
    add_tasks(engine, *map(failed, messages))
    assert expected == codes_of(snapshot_of(engine))


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("x" * 1000, 1),
        ("x" * 999 + "{", 1),
        ("x{" + "x" * 998, 1),
        ("|" + "x" * 999, 1),
        ("{" + "x" * 999, 2),
        (" {" + "x" * 998, 2),
        ("\n" + "x" * 999, 2),
    ],
    ids=["text", "late brace", "second brace", "bar", "brace", "space and brace", "new line"],
)
def test_messages_alike_in_their_start_are_read_as_one_unless_they_may_be_json(
    engine: sa.Engine, start: str, expected: int
) -> None:
    add_tasks(engine, failed(start + "1"), failed(start + "2"))
    query = count_errors(SOURCE, WINDOW, whole_messages=False)
    with engine.connect() as connection:
        assert expected == len(connection.execute(query).all())


@pytest.mark.parametrize("updated", [ago(minutes=2), END + timedelta(days=1)])
def test_error_was_last_seen_at_the_whole_second_of_its_latest_failure(
    engine: sa.Engine, updated: datetime
) -> None:
    add_tasks(
        engine,
        failed("NO_ANSWER: 1", updated_at=updated + 999_999 * MICROSECOND),
        failed("NO_ANSWER: 2", updated_at=updated - timedelta(seconds=1)),
    )
    expected = [updated.replace(tzinfo=timezone.utc)]
    assert expected == [error.last_seen_at for error in snapshot_of(engine).top_errors]


@pytest.mark.parametrize("messages", [["E_T: 1", "E_T: 2", "E_T: 3"], ["E_T"] * 3])
def test_sample_is_the_task_that_failed_last_with_its_request(
    engine: sa.Engine, messages: list[str]
) -> None:
    moments = (ago(seconds=3), END, END - timedelta(milliseconds=1))
    add_tasks(
        engine,
        *(
            failed(message, id=number, request_id=f"req_{number}", updated_at=updated)
            for number, (message, updated) in enumerate(zip(messages, moments, strict=True), 811)
        ),
        failed("OTHER_CODE", updated_at=END + timedelta(seconds=1)),
    )
    samples = {error.code: error.sample for error in snapshot_of(engine).top_errors}
    assert ErrorSample(task_id="812", request_id="req_812") == samples["E_T"]


def test_sample_of_a_task_without_request_has_none(engine: sa.Engine) -> None:
    add_tasks(engine, failed("NO_ANSWER", id=7))
    expected = [ErrorSample(task_id="7", request_id=None)]
    assert expected == [error.sample for error in snapshot_of(engine).top_errors]


def test_empty_table_has_no_errors(engine: sa.Engine) -> None:
    assert () == snapshot_of(engine).top_errors
