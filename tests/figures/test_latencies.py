"""Latencies are of the tasks that were completed in the window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from flask_task_metrics import Latency, LatencyStats
from tests.support.host import add_tasks, snapshot_of
from tests.support.tasks import END, MICROSECOND, ago, completed, measured

NO_SAMPLES = LatencyStats(p50=None, p95=None, p99=None, max=None, avg=None, samples=0)


def test_latency_is_the_time_between_its_two_timestamps(engine: sa.Engine) -> None:
    add_tasks(engine, completed(ago(seconds=30), ago(seconds=25)))
    expected = Latency(
        time_to_processing_ms=LatencyStats(5_000, 5_000, 5_000, 5_000, 5_000, samples=1),
        time_to_complete_ms=LatencyStats(25_000, 25_000, 25_000, 25_000, 25_000, samples=1),
        end_to_end_ms=LatencyStats(30_000, 30_000, 30_000, 30_000, 30_000, samples=1),
    )
    assert expected == snapshot_of(engine).latency


def samples(engine: sa.Engine) -> tuple[int, int, int]:
    """Return the number of samples of each latency: waiting, running, in all."""
    latency = snapshot_of(engine).latency
    return (
        measured(latency.time_to_processing_ms).samples,
        measured(latency.time_to_complete_ms).samples,
        measured(latency.end_to_end_ms).samples,
    )


@pytest.mark.parametrize(
    ("missing", "expected"),
    [("created_at", (0, 1, 0)), ("processing_at", (0, 0, 1)), ("completed_at", (0, 0, 0))],
)
def test_latency_needs_its_own_two_timestamps_only(
    engine: sa.Engine, missing: str, expected: tuple[int, int, int]
) -> None:
    add_tasks(engine, completed(ago(seconds=30), ago(seconds=25)) | {missing: None})
    assert expected == samples(engine)


def test_latency_leaves_out_tasks_not_completed_in_the_window(engine: sa.Engine) -> None:
    whole = completed(ago(hours=3), ago(hours=3))
    add_tasks(
        engine,
        whole | {"status": "failed"},
        whole | {"status": None},
        whole | {"completed_at": ago(hours=2)},
    )
    assert Latency(NO_SAMPLES, NO_SAMPLES, NO_SAMPLES) == snapshot_of(engine).latency


def test_latency_does_not_ask_for_updated_at(engine: sa.Engine) -> None:
    add_tasks(engine, completed(END, END) | {"updated_at": None})
    assert 1 == measured(snapshot_of(engine).latency.end_to_end_ms).samples


@pytest.mark.parametrize(
    ("created", "processing", "expected"),
    [(5, 10, (0, 1, 1)), (10, -5, (1, 0, 1)), (-10, -5, (0, 0, 0))],
)
def test_negative_duration_is_left_out_of_its_own_figure_only(
    engine: sa.Engine, created: int, processing: int, expected: tuple[int, int, int]
) -> None:
    add_tasks(engine, completed(ago(seconds=created), ago(seconds=processing)))
    assert expected == samples(engine)


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
    assert expected == measured(snapshot_of(engine).latency.time_to_processing_ms).max


@pytest.mark.parametrize("years", [71, 72, 136, 285, 2_000])
@pytest.mark.parametrize("microseconds", [-1, 0, 999])
def test_duration_of_many_years_is_exact(engine: sa.Engine, years: int, microseconds: int) -> None:
    duration = timedelta(days=365 * years, milliseconds=1) + microseconds * MICROSECOND
    add_tasks(engine, completed(END - duration, END))
    stats = measured(snapshot_of(engine).latency.end_to_end_ms)
    assert duration // timedelta(milliseconds=1) == stats.max


def test_duration_in_the_far_future_is_exact(engine: sa.Engine) -> None:
    done = END + timedelta(days=365 * 7_000)
    add_tasks(engine, completed(done - 1_999 * MICROSECOND, done - 1_000 * MICROSECOND, done))
    latency = snapshot_of(engine).latency
    assert (0, 1, 1) == (
        measured(latency.time_to_processing_ms).max,
        measured(latency.time_to_complete_ms).max,
        measured(latency.end_to_end_ms).max,
    )


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
    stats = measured(snapshot_of(engine).latency.time_to_processing_ms)
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
    assert expected == measured(snapshot_of(engine).latency.time_to_processing_ms).avg
