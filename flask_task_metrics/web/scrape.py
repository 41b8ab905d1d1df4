"""A scrape: the snapshots of all sources, by the scraper's own deadline."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

from flask import request

from flask_task_metrics.deadline import Deadline
from flask_task_metrics.figures import Snapshot
from flask_task_metrics.mounted import Mounted

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"

RESERVE_SECONDS = 1.5
"""The part of the scraper's timeout that is left for the answer's way; at most half of it."""


@dataclass(frozen=True)
class Scraped:
    """A source's snapshot, the seconds that it took, and the name of one of several sources."""

    snapshot: Snapshot
    seconds: float
    source: str | None


def scrape(mounted: Mounted) -> Iterator[Scraped]:
    """Read the snapshot of each source; one deadline is for all of them."""
    deadline = _deadline(mounted.settings.timeout_ms)
    for name, reader in mounted.readers.items():
        began = perf_counter()
        snapshot = reader.snapshot(mounted.settings.prometheus_minutes, deadline=deadline)
        yield Scraped(snapshot, perf_counter() - began, name if mounted.choices else None)


def _deadline(timeout_ms: int) -> Deadline:
    """Return the deadline of the settings, or that of the scraper if it is earlier."""
    asked = request.headers.get(TIMEOUT_HEADER, "")
    seconds = float(asked) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", asked) else 0
    # Without a time in the header, the settings alone count: the figures are the same.
    if not seconds:
        return Deadline.in_ms(timeout_ms)
    scraper_ms = math.ceil(1000 * max(seconds - RESERVE_SECONDS, seconds / 2))
    return Deadline.in_ms(min(timeout_ms or scraper_ms, scraper_ms))
