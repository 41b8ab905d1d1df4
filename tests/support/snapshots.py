"""Snapshots to show to people, and texts that try to break what shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from flask_task_metrics import (
    Backlog,
    BacklogCount,
    ErrorCount,
    Group,
    Latency,
    LatencyStats,
    OtherGroups,
    PreviousFigures,
    ScheduledCount,
    Snapshot,
    TaskCounts,
    TaskReference,
)
from tests.support.tasks import WINDOW

WAITED = LatencyStats(p50=5000, p95=12_345, p99=15_000, max=1_200_000, avg=6_500, samples=80)
NO_SAMPLES = LatencyStats(p50=None, p95=None, p99=None, max=None, avg=None, samples=0)
ONE_SAMPLE = LatencyStats(p50=7, p95=7, p99=7, max=7, avg=7, samples=1)
LAST = WINDOW.end - timedelta(seconds=108)

SNAPSHOT = Snapshot(
    window=WINDOW,
    state="stalled",
    reason=(
        "12 due tasks are queued, the oldest for 90 min; nothing has ended for 9 min; "
        "nothing is being processed"
    ),
    tasks=TaskCounts(1000, 80, 5, 2, 3, 10),
    backlog=Backlog(
        BacklogCount(12, 5400, TaskReference("17", "req_0b2e")),
        BacklogCount(0, None, None),
        ScheduledCount(4),
    ),
    latency=Latency(WAITED, NO_SAMPLES, ONE_SAMPLE),
    top_errors=(
        ErrorCount("INVALID_PROMPT", 3, LAST, TaskReference("812", "req_91ab")),
        ErrorCount("QUOTA", 1, LAST, TaskReference("9", None)),
    ),
)

COMPARED = replace(
    SNAPSHOT,
    previous=PreviousFigures(980, 80, 7, 2, Latency(WAITED, None, NO_SAMPLES)),
    top_errors=(
        ErrorCount("A_NEW", 3, LAST, TaskReference("812", None), 0, LAST - timedelta(minutes=9)),
        ErrorCount("OLD", 1, LAST, TaskReference("9", None), 4, LAST - timedelta(minutes=90)),
    ),
)

GROUPED = replace(
    SNAPSHOT,
    groups=tuple(
        Group("engine", value, SNAPSHOT.tasks, SNAPSHOT.backlog, SNAPSHOT.latency, errors)
        for value, errors in (("run`way", SNAPSHOT.top_errors), (True, ()), (None, None))
    ),
    other_groups=OtherGroups(SNAPSHOT.tasks, SNAPSHOT.backlog, SNAPSHOT.latency, ()),
    group_count=1_025,
)

NOTHING_RECORDED = Snapshot(
    window=replace(WINDOW, minutes=1),
    state=None,
    reason=None,
    tasks=TaskCounts(None, 0, 0, 0, 0, 0),
    backlog=Backlog(BacklogCount(7, None, None), BacklogCount(0, None, None)),
    latency=Latency(None, None, None),
    top_errors=None,
)

HOSTILE = [
    "`",
    "``` \n# a title",
    "a | b",
    "<script>alert(1)</script>",
    "@everyone",
    "<!here>",
    "[click](https://example.com)",
    "https://example.com",
    "line\u2028separated\r\nand\x00\x1b[31mcut",
    "\u202egnirts",
    "\ud800",
    "**bold** _it_ ~~no~~ \\`",
    "",
    " ",
    "x" * 1_000_000,
]


def with_text(text: str) -> Snapshot:
    """Return a snapshot in which a text stands wherever a row's can."""
    task = TaskReference(text, text)
    return replace(
        SNAPSHOT,
        backlog=Backlog(BacklogCount(1, 1, task), BacklogCount(1, 1, task)),
        top_errors=(ErrorCount(text, 1, LAST, task),),
    )
