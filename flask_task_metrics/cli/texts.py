"""Texts of the database in a terminal: on one line, without characters that do not print, and as
wide as they look.
"""

from __future__ import annotations

import unicodedata

from flask_task_metrics.logfmt import one_line

LONGEST_TEXT = 200

BLOCKS = "▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉"

PLAIN = str.maketrans(
    dict(zip(BLOCKS, "_.,-=+*#", strict=True)) | dict.fromkeys(EIGHTHS[1:], "#") | {"…": "..."}
)
"""The characters to write where the terminal's encoding has no blocks."""


def shown(text: str) -> str:
    r"""Return a text on one line, cut at 200 characters.

    Characters that do not print become escapes: `a\nb`. An empty text is `""`.
    """
    return one_line(text[:LONGEST_TEXT]) + "…" * (len(text) > LONGEST_TEXT) or '""'


def encodable(text: str, encoding: str) -> str:
    """Return a text that an encoding has all characters of; others become ASCII or escapes."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text


def width_of(text: str) -> int:
    """Return how many columns a text takes."""
    return sum(map(_width, text))


def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Return a text in at most `width` columns; one that is cut ends with `…`."""
    first, *others = _pieces(text, width)
    return f"{_pieces(text, width - 1)[0]}…" if others else first


def fold(text: str, width: int) -> list[str]:
    """Return a text in lines of at most `width` columns, broken between words where it can be."""
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if width_of(joined) <= width:
            line = joined
            continue
        *full, line = [*([line] if line else []), *_pieces(word, width)]
        lines += full
    return [*lines, line]


def _pieces(word: str, width: int) -> list[str]:
    pieces = [""]
    for char in word:
        if width_of(pieces[-1] + char) > width:
            pieces.append("")
        pieces[-1] += char
    return pieces


def bar(count: int, most: int, columns: int) -> str:
    """Return a bar that is `columns` wide at `most`; only that of 0 is empty."""
    eighths = max(1, 8 * columns * count // most) if count > 0 else 0
    full, part = divmod(eighths, 8)
    return BLOCKS[-1] * full + EIGHTHS[part].strip()


def sparkline(values: list[int | None]) -> str:
    """Return a column for each value, as high as it is beside the greatest; none for None.

    Only that of 0 is the lowest.
    """
    most = max((value for value in values if value is not None), default=0)
    return "".join(" " if value is None else _column(value, most) for value in values)


def _column(value: int, most: int) -> str:
    return BLOCKS[0] if value <= 0 else BLOCKS[max(1, (len(BLOCKS) - 1) * value // most)]
