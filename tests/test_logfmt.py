"""`emit_metric` writes any event and value as one line of logfmt."""

from __future__ import annotations

import re
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_task_metrics import InvalidMetricError, TaskMetricsError, emit_metric
from tests.support.log import HOSTILE, fields_of

pytestmark = pytest.mark.usefixtures("metric_log")


class Reason(Enum):
    """Why a task failed, as a host may have it."""

    QUOTA = "quota"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("größe大", "größe大", id="letters"),
        pytest.param("a'b,c:d/e%20", "a'b,c:d/e%20", id="punctuation"),
        pytest.param("", '""', id="empty"),
        pytest.param("two words", '"two words"', id="space"),
        pytest.param('say "hi"', r'"say \"hi\""', id="quotes"),
        pytest.param("a=b", '"a=b"', id="equals sign"),
        pytest.param("C:\\temp", r'"C:\\temp"', id="backslash"),
        pytest.param("a\r\n\tb", r'"a\r\n\tb"', id="white space"),
        pytest.param("\x00", r'"\u0000"', id="null byte"),
        pytest.param("\x7f", r'"\u007f"', id="DEL"),
        pytest.param("\x85", r'"\u0085"', id="NEL"),
        pytest.param("\xa0", r'"\u00a0"', id="no-break space"),
        pytest.param("\u2028", r'"\u2028"', id="line separator"),
        pytest.param("\U000e0001", r'"\udb40\udc01"', id="language tag"),
        pytest.param("\ud800", r'"\ud800"', id="lone surrogate"),
        pytest.param("größe\n", r'"größe\n"', id="letters beside a new line"),
        pytest.param("100% %s %d", '"100% %s %d"', id="logging's own placeholders"),
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
        pytest.param(0, "0", id="zero"),
        pytest.param(-1.5, "-1.5", id="float"),
        pytest.param("None", "None", id="the word None"),
        pytest.param(Reason.QUOTA, "Reason.QUOTA", id="Enum member"),
        pytest.param([1, "a"], "\"[1, 'a']\"", id="list"),
    ],
)
def test_a_value_is_written_in_logfmt(
    caplog: pytest.LogCaptureFixture, value: object, written: str
) -> None:
    emit_metric("task.failed", value=value)

    assert [f"[METRICS] task.failed value={written}"] == caplog.messages


def test_any_text_stays_in_one_line_and_reads_back(caplog: pytest.LogCaptureFixture) -> None:
    awkward = st.text(st.sampled_from("".join(HOSTILE.values())))

    @settings(deadline=None)
    @given(before=st.text() | awkward, after=st.text() | awkward)
    def check(before: str, after: str) -> None:
        caplog.clear()
        emit_metric("task.failed", before=before, after=after)
        (line,) = caplog.messages

        assert ([line], {"before": before, "after": after}) == (line.splitlines(), fields_of(line))

    check()


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "[METRICS] task.created"),
        ({"a": None}, "[METRICS] task.created"),
        ({"a": None, "b": 1, "c": None}, "[METRICS] task.created b=1"),
        ({"b": 1, "a": 2}, "[METRICS] task.created b=1 a=2"),
        ({"event": "x", "line": "y"}, "[METRICS] task.created event=x line=y"),
        (
            {"task.id": 1, "task-id": 2, "_id": 3},
            "[METRICS] task.created task.id=1 task-id=2 _id=3",
        ),
    ],
)
def test_the_fields_come_as_they_are_given_but_for_none(
    caplog: pytest.LogCaptureFixture, fields: dict[str, object], line: str
) -> None:
    emit_metric("task.created", **fields)

    assert [line] == caplog.messages


NO_NAMES = ["", " ", "a b", "a=b", "a\n", 'a"', "ä", "a\u2028", "=", "[METRICS]"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_an_event_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidMetricError, match=re.escape(f"{name!r} can't name an event")):
        emit_metric(name)


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_field_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidMetricError, match=re.escape(f"{name!r} can't name an event")):
        emit_metric("task.created", **{name: 1})


def test_a_refused_name_leaves_no_line(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidMetricError):
        emit_metric("task.created", **{"a b": None})

    assert [] == caplog.messages


@pytest.mark.parametrize("base", [TaskMetricsError, ValueError])
def test_a_refused_name_is_an_error_of_the_package_and_of_the_value(base: type[Exception]) -> None:
    assert issubclass(InvalidMetricError, base)
