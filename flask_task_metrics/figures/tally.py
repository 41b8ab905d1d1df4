"""Tallies: how often each error code struck, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from heapq import nsmallest
from typing import Any, TypeAlias

from .grouping import Place

Key: TypeAlias = tuple[Place, str]
"""A code in a group, or in all tasks."""

LATEST_US = 2**63
"""Later than any failure."""

NO_TASK: list[Any] = []
"""A list, since rows are unpacked into lists, and Python compares no list with a tuple."""


class Tally:
    """The failures of one error code: how many, and when the first and the last one happened, in
    microseconds after a window's start.

    `newest` is the number, the id and the request id of the last task, if the rows have them.
    """

    __slots__ = ("count", "newest", "newest_us", "oldest_us")

    def __init__(self) -> None:
        self.count = self.newest_us = 0
        self.oldest_us = LATEST_US
        self.newest = NO_TASK

    def add(self, tasks: int, oldest_us: int, newest_us: int, newest: list[Any] = NO_TASK) -> None:
        """Count the tasks of one message."""
        self.count += tasks
        # This runs for each message, and calls of min and max take longer than all the rest.
        if oldest_us < self.oldest_us:
            self.oldest_us = oldest_us
        if newest_us > self.newest_us:
            self.newest_us = newest_us
        # The greater number is the newer task's; no two are equal.
        if newest > self.newest:
            self.newest = newest


def leading_tallies(place: Place, tallies: Mapping[str, Tally], top: int) -> dict[Key, Tally]:
    """Return the tallies of the `top` most frequent codes of a place; equal counts by code."""
    leading = nsmallest(top, tallies.items(), key=lambda item: (-item[1].count, item[0]))
    return {(place, code): tally for code, tally in leading}


def add_up(in_all: defaultdict[str, Tally], of_group: Mapping[str, Tally]) -> None:
    """Add the tallies of a group to those of all tasks."""
    for code, tally in of_group.items():
        in_all[code].add(tally.count, tally.oldest_us, tally.newest_us)
