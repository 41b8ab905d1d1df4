"""A terminal in colour, by rich."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from .layout import Line, Style
from .screens import LEAST_WIDTH, Draw, cropped, printable

STYLES: Mapping[Style, str] = {
    "plain": "",
    "title": "bold",
    "quiet": "dim",
    "bar": "blue",
    "good": "bold green",
    "warning": "bold yellow",
    "bad": "bold red",
}


class RichScreen:
    """A terminal in the colours that it has; NO_COLOR turns them off."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stdout, force_terminal=True)

    @property
    def width(self) -> int:
        """Return the columns of the terminal."""
        return max(LEAST_WIDTH, self._console.width)

    def write(self, lines: Iterable[Line]) -> None:
        """Write lines."""
        for line in lines:
            self._console.print(_text((line,)), soft_wrap=True)

    @contextmanager
    def drawn(self) -> Iterator[Draw]:
        """Yield a function that draws lines on a screen of its own; at the end the last ones are
        written below what was there before.
        """
        last: list[Line] = []

        def draw(lines: Iterable[Line]) -> None:
            last[:] = lines
            shown = cropped(last, self._console.height)
            live.update(_text(shown), refresh=True)

        try:
            with Live(
                console=self._console,
                screen=True,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
            ) as live:
                yield draw
        finally:
            self.write(last)


def _text(lines: Iterable[Line]) -> Text:
    """Return lines as a text, in which no markup has a meaning."""
    text = Text(no_wrap=True, overflow="crop")
    for number, line in enumerate(lines):
        text.append("\n" * (number > 0))
        for span in line:
            text.append(printable(span.text), STYLES[span.style])
    return text
