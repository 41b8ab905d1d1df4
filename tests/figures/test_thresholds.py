"""Ranges alert where nagiosplugin's do."""

from __future__ import annotations

import nagiosplugin
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_task_metrics.figures.thresholds import Range

VALUES = (-1, 0, 0.05, 5, 10, 10.001, 15, 20, 21, 1e9)

numbers = st.one_of(
    st.integers(-50, 50).map(str),
    st.decimals(-50, 50, places=2).map(lambda number: f"{number:f}"),
)


@pytest.mark.parametrize(
    "text",
    [
        *("10", "0", "10:", "~:10", "10:20", "@10:20", "@10", "@0:0", "@~:0", "~:", "-5:5", "-5:"),
        *("0.05", ".5", "0.5:0.75", "0010:20.50", "15:15"),
    ],
)
def test_a_range_alerts_on_the_values_that_nagiosplugin_alerts_on(text: str) -> None:
    bad = [value for value in VALUES if not nagiosplugin.Range(text).match(value)]
    assert bad == [value for value in VALUES if Range.of(text).alerts(value)]


@given(
    start=st.one_of(st.just("~"), numbers),
    end=st.one_of(st.just(""), numbers),
    sign=st.sampled_from(["", "@"]),
    value=st.one_of(st.integers(-60, 60), st.floats(-60, 60)),
)
def test_any_range_alerts_as_that_of_nagiosplugin(
    start: str, end: str, sign: str, value: float
) -> None:
    text = f"{sign}{start}:{end}"
    try:
        expected = not nagiosplugin.Range(text).match(value)
    except ValueError:
        with pytest.raises(ValueError, match=text):
            Range.of(text)
    else:
        assert expected == Range.of(text).alerts(value)


@pytest.mark.parametrize(
    ("number", "text"),
    [(10, "0:10"), (0, "0:0"), (0.05, "0:0.05"), (0.00001, "0:0.00001"), (1e21, f"0:1{'0' * 21}")],
)
def test_a_number_is_the_range_from_zero_to_it(number: float, text: str) -> None:
    assert (Range.of(text), text) == (Range.of(number), str(Range.of(number)))
