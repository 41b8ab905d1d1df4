"""The deadline of an answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True)
class Deadline:
    """A moment of the monotonic clock, in seconds; None is no deadline."""

    at: float | None = None

    @classmethod
    def in_ms(cls, timeout_ms: int) -> Deadline:
        """Return the deadline that is `timeout_ms` from now; 0 is none."""
        return cls(monotonic() + timeout_ms / 1000 if timeout_ms else None)

    def left(self) -> float | None:
        """Return the seconds that are left, at least 0; None without a deadline."""
        return None if self.at is None else max(0.0, self.at - monotonic())

    def left_ms(self, extra_ms: int = 0) -> int | None:
        """Return the whole milliseconds that are left and some more, at least 1."""
        left = self.left()
        return None if left is None else max(1, math.ceil(left * 1000) + extra_ms)

    @property
    def is_past(self) -> bool:
        """Return whether no time is left."""
        return self.at is not None and monotonic() >= self.at
