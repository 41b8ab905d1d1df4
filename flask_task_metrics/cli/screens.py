"""The output of lines: plain, or in colour on a terminal if the extra `cli` is installed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import Protocol, TypeAlias

import click

from .layout import Line, Span, text_of
from .texts import encodable

Draw: TypeAlias = Callable[[Iterable[Line]], None]

PLAIN_WIDTH = 80
"""The columns of lines that go to a file or a pipe."""

LEAST_WIDTH = 60
"""A terminal with fewer columns folds the lines by itself."""


class Screen(Protocol):
    """Standard output, as lines are written to it."""

    @property
    def width(self) -> int:
        """Return the number of columns that lines may take."""

    def write(self, lines: Iterable[Line]) -> None:
        """Write lines."""

    def drawn(self) -> AbstractContextManager[Draw]:
        """Yield a function that draws lines in the place of the last ones."""


def screen() -> Screen:
    """Return the screen that suits standard output."""
    if not is_terminal() or find_spec("rich") is None:
        return PlainScreen()
    from .rich_screen import RichScreen  # noqa: PLC0415 - the extra may not be installed

    return RichScreen()


def is_terminal() -> bool:
    """Return whether standard output is a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def printable(text: str) -> str:
    """Return a text that the encoding of standard output has all characters of."""
    return encodable(text, sys.stdout.encoding)


class PlainScreen:
    """Standard output without colours. A terminal is cleared before lines are drawn."""

    @property
    def width(self) -> int:
        """Return the columns of a terminal, or 80."""
        return max(LEAST_WIDTH, _size().columns) if is_terminal() else PLAIN_WIDTH

    def write(self, lines: Iterable[Line]) -> None:
        """Write lines."""
        for line in lines:
            click.echo(printable(text_of(line)))

    @contextmanager
    def drawn(self) -> Iterator[Draw]:
        """Yield a function that draws lines; unless on a terminal, below the last ones."""
        yield self._draw_over if is_terminal() else self._draw_below

    def _draw_over(self, lines: Iterable[Line]) -> None:
        click.clear()
        self.write(cropped(lines, _size().lines - 1))

    def _draw_below(self, lines: Iterable[Line]) -> None:
        self.write([*lines, ()])


def _size() -> os.terminal_size:
    return shutil.get_terminal_size()


def cropped(lines: Iterable[Line], height: int) -> list[Line]:
    """Return lines that fit in a height: if need be without empty ones, and then the first ones
    with a word on the others.
    """
    every = list(lines)
    if len(every) <= height:
        return every
    full = [line for line in every if line]
    if len(full) <= height:
        return full
    left = len(full) - height + 1
    return [*full[: height - 1], (Span(f"… {left} more lines, for a taller terminal", "quiet"),)]
