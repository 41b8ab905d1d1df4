"""Lines of styled texts, and tables of them, whatever paints them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .texts import fold, width_of

Style: TypeAlias = Literal["plain", "title", "quiet", "bar", "good", "warning", "bad"]


@dataclass(frozen=True)
class Span:
    """A text in one style."""

    text: str
    style: Style = "plain"


Line: TypeAlias = tuple[Span, ...]

Row: TypeAlias = Sequence[Span]
"""The cells of a table's row. If there are fewer than columns, the last one spans the others."""

INDENT = "  "
GAP = "  "


def title(text: str) -> Line:
    """Return the line above a section."""
    return (Span(text, "title"),)


def paragraph(text: str, width: int, style: Style = "plain", indent: str = "") -> Iterator[Line]:
    """Yield a text in lines, each behind an indent."""
    for line in fold(text, width - len(indent)):
        yield (Span(indent + line, style),)


def table(rows: Sequence[Row], aligned: str, width: int) -> Iterator[Line]:
    """Yield rows as lines, `aligned` by `<` or `>` for each column; an empty column takes no room.

    If they are wider than `width`, each row's first cell gets its own line.
    """
    widths = [_width_of_column(rows, number, len(aligned)) for number in range(len(aligned))]
    taken = [column for column in widths if column]
    if len(INDENT) + sum(taken) + len(GAP) * (len(taken) - 1) <= width:
        yield from (_line(row, aligned, widths, INDENT) for row in rows)
        return
    for first, *rest in rows:
        if first.text:
            yield (Span(INDENT + first.text, first.style),)
        yield _line(rest, aligned[1:], widths[1:], INDENT * 2)


def _width_of_column(rows: Sequence[Row], number: int, columns: int) -> int:
    cells = (row[number] for row in rows if number < len(row) - (len(row) < columns))
    return max((width_of(cell.text) for cell in cells), default=0)


def _line(cells: Row, aligned: str, widths: Sequence[int], indent: str) -> Line:
    spans = [Span(indent)]
    for cell, side, width in zip(cells, aligned, widths, strict=False):
        if cell is cells[-1] and len(cells) < len(aligned):
            spans.append(cell)
        elif width:
            padding = " " * (width - width_of(cell.text))
            before, after = (padding, "") if side == ">" else ("", padding)
            spans += (Span(before), cell, Span(after + GAP))
    return _stripped(spans)


def _stripped(spans: list[Span]) -> Line:
    """Return spans without the white space at their end."""
    while spans and not spans[-1].text.strip():
        spans.pop()
    return tuple(span for span in spans if span.text)


def text_of(line: Line) -> str:
    """Return the text of a line."""
    return "".join(span.text for span in line)
