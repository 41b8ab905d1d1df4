"""A plugin's line: the worst first, and performance data as nagiosplugin writes them."""

from __future__ import annotations

from typing import Any

import nagiosplugin
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_task_metrics.cli.monitoring import Level, Outcome, outcome_of
from flask_task_metrics.figures import (
    READINGS,
    Condition,
    Judgement,
    States,
    Threshold,
    Verdict,
)
from flask_task_metrics.figures.thresholds import Range

NUMBERS = [name for name, reading in READINGS.items() if reading.threshold is Range]

RANGES = [None, "10", "0:10", "~:10", "10:20", "@10:20", "@0:5", "0.05", "-5:5", "1:"]


def performance_of(name: str, value: float | None, warn: str | None, crit: str | None) -> str:
    """Return the performance data of one figure."""
    warning, critical = (text and Range.of(text) for text in (warn, crit))
    condition = Condition(name, warning or None, critical or None)
    return outcome_of(Judgement("ok", (Verdict(condition, "ok", value, "x"),))).performance


@given(
    name=st.sampled_from(NUMBERS),
    value=st.one_of(st.integers(0, 10**9), st.integers(0, 10**9).map(lambda ms: ms / 1000)),
    warn=st.sampled_from(RANGES),
    crit=st.sampled_from(RANGES),
)
def test_performance_data_are_those_of_nagiosplugin(
    name: str, value: float, warn: str | None, crit: str | None
) -> None:
    is_time = name.endswith("_age") or "." in name
    expected = nagiosplugin.Performance(
        name,
        f"{value:.6f}".rstrip("0").rstrip("."),
        "s" if is_time else "",
        *("" if text is None else nagiosplugin.Range(text) for text in (warn, crit)),
        0,
        1 if name == "failure_rate" else "",
    )
    assert str(expected) == performance_of(name, value, warn, crit)


def test_performance_data_are_in_base_units() -> None:
    assert "queued_age=41s;120;300;0" == performance_of("queued_age", 41, "0:120", "300")
    assert "failure_rate=0.058824;;0.1;0;1" == performance_of("failure_rate", 1 / 17, None, "0:0.1")
    assert "'p95.end_to_end'=U;8;;0" == performance_of("p95.end_to_end", None, "8", None)
    assert "queued=1;0:;;0" == performance_of("queued", 1, "0:", None)


def verdict(status: str, text: str, name: str = "queued", value: float | str | None = 1) -> Verdict:
    """Return a verdict."""
    limit: Threshold = States.of(["stalled"]) if name == "state" else Range.of(9)
    return Verdict(Condition(name, crit=limit), status, value, text)  # type: ignore[arg-type]


def test_the_worst_is_first_and_what_is_well_left_out() -> None:
    verdicts = (
        verdict("ok", "a"),
        verdict("warning", "b"),
        verdict("critical", "c", "state", "stalled"),
    )
    line = "TASKS CRITICAL - videos: c / b | queued=1;;9;0 queued=1;;9;0"
    assert line == str(outcome_of(Judgement("critical", verdicts), "videos"))


def test_all_is_told_if_all_is_well() -> None:
    line = "TASKS OK - a / b | queued=1;;9;0 queued=U;;9;0"
    verdicts = (verdict("ok", "a"), verdict("ok", "b", value=None))
    assert line == str(outcome_of(Judgement("ok", verdicts)))


def test_a_check_without_conditions_says_so() -> None:
    line = "TASKS OK - no condition; give -w or -c, or set TASK_METRICS_CHECKS"
    assert line == str(outcome_of(Judgement("ok", ())))


@pytest.mark.parametrize("text", ["a|b\nc\x1b[31m", "\ud800 | x=1"])
def test_no_text_breaks_the_line(text: str) -> None:
    line = str(Outcome("unknown", text))
    assert line.isprintable()
    assert "|" not in line


@pytest.mark.parametrize(
    ("level", "state"),
    [
        ("ok", nagiosplugin.Ok),
        ("warning", nagiosplugin.Warn),
        ("critical", nagiosplugin.Critical),
        ("unknown", nagiosplugin.Unknown),
    ],
)
def test_the_exit_status_is_that_of_nagiosplugin(level: Level, state: Any) -> None:
    assert state.code == Outcome(level, "x").exit_status
