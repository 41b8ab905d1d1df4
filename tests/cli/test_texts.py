"""Texts of any kind take the columns that they are given, and no line more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_task_metrics.cli.texts import bar, cut, encodable, fold, shown, sparkline, width_of

WIDE = "漢字 größer 💥"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\x1b[31m", r"a\nb\u001b[31m"),
        ("\u202egnirts\ud800", r"\u202egnirts\ud800"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("", '""'),
        ("x" * 201, "x" * 200 + "…"),
    ],
)
def test_a_text_is_shown_on_one_line(text: str, line: str) -> None:
    assert line == shown(text)


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("漢字", 4), ("e\u0301", 1), (WIDE, 14)])
def test_a_text_is_as_wide_as_it_looks(text: str, columns: int) -> None:
    assert columns == width_of(text)


@given(text=st.text(st.sampled_from("ab 漢💥\u0301")), width=st.integers(2, 12))
def test_folded_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    lines = fold(text, width)
    assert all(width_of(line) <= width for line in lines)
    assert text.replace(" ", "") == "".join(lines).replace(" ", "")


def test_lines_are_folded_between_words_if_they_can_be() -> None:
    assert ["one two", "three", "abcdefgh", "ij kl"] == fold("one two three abcdefghij kl", 8)


@pytest.mark.parametrize(
    ("count", "shape"),
    [(0, ""), (-3, ""), (1, "▏"), (500, "█████"), (555, "█████▌"), (1000, "█" * 10)],
)
def test_a_bar_is_as_long_as_its_part_of_the_most(count: int, shape: str) -> None:
    assert shape == bar(count, 1000, 10)


def test_a_sparkline_is_as_high_as_its_part_of_the_most() -> None:
    assert "▁▂▄█ ▁" == sparkline([0, 1, 50, 100, None, -5])
    assert "▁▁ " == sparkline([0, 0, None])
    assert " " == sparkline([None])


@pytest.mark.parametrize(
    ("encoding", "text"), [("utf-8", "█▏▁…ö"), ("latin-1", "##_...ö"), ("ascii", r"##_...\xf6")]
)
def test_an_encoding_without_blocks_gets_other_characters(encoding: str, text: str) -> None:
    assert text == encodable("█▏▁…ö", encoding)


@pytest.mark.parametrize(
    ("text", "short"), [("abcd", "abcd"), ("abcde", "abc…"), ("漢字漢", "漢…")]
)
def test_a_text_that_is_cut_says_so(text: str, short: str) -> None:
    assert short == cut(text, 4)
