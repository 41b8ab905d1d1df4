"""Lines fit in a terminal's height."""

from __future__ import annotations

from flask_task_metrics.cli.layout import Span, text_of
from flask_task_metrics.cli.screens import cropped


def test_lines_that_fit_without_the_empty_ones_are_all_shown() -> None:
    line = (Span("x"),)
    assert [line, (), line] == cropped([line, (), line], 3)
    assert [line, line] == cropped([line, (), line], 2)
    [last] = cropped([line, (), line], 1)
    assert "… 2 more lines, for a taller terminal" == text_of(last)
