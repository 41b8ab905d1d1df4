"""Thresholds: the values of a figure that raise an alert."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from .snapshot import STATES

NUMBER = r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
RANGE = re.compile(rf"(@?)(?=.)(?:(~|{NUMBER}):)?({NUMBER})?")


class Threshold(Protocol):
    """Some values of a figure that raise an alert."""

    EXPECTED: ClassVar[str]

    @classmethod
    def of(cls, value: object) -> Threshold:
        """Return the threshold that a setting describes; raise `ValueError` if it does not."""

    def alerts(self, value: Any) -> bool:
        """Return whether a value raises an alert."""

    def __str__(self) -> str: ...

    @property
    def shown(self) -> str | tuple[str, ...]:
        """Return the threshold in JSON."""


@dataclass(frozen=True)
class Range:
    """Numbers, in the notation of the Monitoring Plugins. Those outside the range raise an alert.

    `10` is from 0 to 10, `10:` at least 10, `~:10` at most 10 and `10:20` from 10 to 20. After an
    `@`, those inside raise an alert: `@10:20`. Both ends belong to the range.
    """

    EXPECTED: ClassVar[str] = (
        "a number or a range such as '10', '10:', '~:10', '10:20' or '@10:20', "
        "whose start is not above its end"
    )

    shown: str
    start: float = field(compare=False)
    end: float = field(compare=False)
    is_inverted: bool = field(compare=False)

    @classmethod
    def of(cls, value: object) -> Range:
        """Return the range of a text, or of a number: 10 is `0:10`.

        Raises `ValueError` for anything else.
        """
        text = _text_of(value)
        match = RANGE.fullmatch(text)
        if match is None:
            raise ValueError(text)
        start = float("-inf") if match[2] == "~" else float(match[2] or 0)
        end = float(match[3] or "inf")
        if start > end:
            raise ValueError(text)
        return cls(text, start, end, match[1] == "@")

    def alerts(self, value: float) -> bool:
        """Return whether a number is outside the range, or inside after an `@`."""
        return (self.start <= value <= self.end) is self.is_inverted

    def __str__(self) -> str:
        return self.shown


@dataclass(frozen=True)
class States:
    """States that raise an alert."""

    EXPECTED: ClassVar[str] = f"a list of states, such as ['stalled'], of: {', '.join(STATES)}"

    shown: tuple[str, ...]

    @classmethod
    def of(cls, value: object) -> States:
        """Return the states of a sequence or set of their names.

        Raises `ValueError` for anything else.
        """
        names = tuple(value) if isinstance(value, Sequence | Set) else ()
        if not names or any(name not in STATES for name in names):
            raise ValueError(names)
        return cls(names)

    def alerts(self, value: str) -> bool:
        """Return whether a state is one of these."""
        return value in self.shown

    def __str__(self) -> str:
        return " or ".join(self.shown)


def _text_of(value: object) -> str:
    """Return the text of a range; an empty one for what is neither a text nor a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Unlike str(), without an exponent: 0.00001.
        return f"0:{Decimal(str(value)):f}"
    return value if isinstance(value, str) else ""
