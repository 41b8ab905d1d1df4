"""The steps of time that a window is divided into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from flask_task_metrics.exceptions import InvalidWindowError
from flask_task_metrics.figures.window import Window

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)

MINUTE, HOUR, DAY = 60, 3_600, 86_400

SECONDS = (
    *(1, 2, 5, 10, 15, 30),
    *(MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR),
)
"""The lengths of steps up to half a day; longer ones are whole days."""


MOST_POINTS = 500


@dataclass(frozen=True)
class Steps:
    """The steps of a window: the first holds its start, and the last its last second.

    Each has `seconds` seconds and begins at a multiple of that since 1970 in UTC, so the same
    steps come again in the next window. `last` is the number of the last one, counted from zero.
    """

    window: Window
    seconds: int
    first: datetime
    last: int

    @classmethod
    def of(cls, window: Window, points: int) -> Steps:
        """Divide a window into at most `points` steps, and one more if it begins within a step.

        Raises `InvalidWindowError` if the first step begins before the year 1.
        """
        seconds = step_seconds(window.minutes, points)
        length = timedelta(seconds=seconds)
        before = (window.start - EPOCH) // length
        try:
            first = EPOCH + before * length
        except OverflowError as error:
            raise InvalidWindowError(
                f"the window starts at {window.start!r}; its first step must begin in the years "
                "1 to 9999"
            ) from error
        return cls(window, seconds, first, (window.end - SECOND - EPOCH) // length - before)

    def __iter__(self) -> Iterator[datetime]:
        """Yield the beginning of each step."""
        length = timedelta(seconds=self.seconds)
        return (self.first + number * length for number in range(len(self)))

    def __len__(self) -> int:
        return self.last + 1

    def is_partial(self, at: datetime) -> bool:
        """Return whether the window holds only a part of the step that begins at a moment."""
        return at < self.window.start or self.window.end - at < timedelta(seconds=self.seconds)


def step_seconds(minutes: int, points: int) -> int:
    """Return the least length of steps of which at most `points` cover so many minutes.

    For example 60 minutes in 60 points have steps of 60 s, and a day in 100 points of 900 s.
    """
    seconds = minutes * MINUTE
    whole_days = -(-seconds // (points * DAY)) * DAY
    return next((length for length in SECONDS if length * points >= seconds), whole_days)
