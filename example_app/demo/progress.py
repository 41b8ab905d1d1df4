"""Messages that say how far the demo is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

EVERY_SECONDS = 5


@contextmanager
def progress(task: str) -> Iterator[None]:
    """Say what begins, and every five seconds that it is still going on."""
    say(f"{task} ...")
    ended = Event()
    thread = Thread(target=_repeat, args=(task, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _repeat(task: str, ended: Event) -> None:
    while not ended.wait(EVERY_SECONDS):
        say(f"{task} is still going on ...")


def say(text: str) -> None:
    """Print a text at once, even into a pipe."""
    print(text, flush=True)
