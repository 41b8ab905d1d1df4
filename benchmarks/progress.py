"""Progress on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

CONSOLE = Console(stderr=True)
"""Results alone go to stdout."""


class Advance(Protocol):
    """Told what has been done, and how many units of a bar that was."""

    def __call__(self, description: str, done: int = 1) -> None:
        """Move the bar on."""


@contextmanager
def progress_bar(name: str, units: int) -> Iterator[Advance]:
    """A bar of so many units, and what moves it on."""
    columns = (
        TextColumn("{task.fields[subject]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=CONSOLE) as progress:
        bar = progress.add_task("", total=units, subject=name)

        def advance(description: str, done: int = 1) -> None:
            progress.update(bar, advance=done, description=description)

        yield advance
