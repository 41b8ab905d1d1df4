"""The time span of a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from flask_task_metrics.exceptions import InvalidWindowError


@dataclass(frozen=True)
class Window:
    """The time span of a snapshot: from `start` on, asked for at `end` (UTC, whole seconds)."""

    minutes: int
    start: datetime
    end: datetime

    @classmethod
    def ending(cls, now: datetime, minutes: int) -> Window:
        """Return the last `minutes` before `now`, cut down to the whole second.

        Raises `InvalidWindowError` if `now` has no time zone, or the window is out of range.
        """
        if now.tzinfo is None:
            raise InvalidWindowError(
                f"now is {now!r}, which has no time zone; pass an aware datetime, such as "
                "datetime.now(timezone.utc)"
            )
        try:
            end = now.astimezone(timezone.utc).replace(microsecond=0)
            return cls(minutes, end - timedelta(minutes=minutes), end)
        except OverflowError as error:
            raise InvalidWindowError(
                f"now is {now!r}; the window must be in the years 1 to 9999"
            ) from error

    @property
    def previous(self) -> Window:
        """Return the window before, of the same length.

        Raises `InvalidWindowError` if it would begin before the year 1.
        """
        return Window.ending(self.start, self.minutes)
