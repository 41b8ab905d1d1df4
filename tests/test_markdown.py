"""A snapshot in Markdown has the same figures, and nothing of a row can break it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from flask_task_metrics import (
    Backlog,
    BacklogCount,
    ErrorCount,
    Latency,
    LatencyStats,
    PreviousFigures,
    ScheduledCount,
    Snapshot,
    TaskCounts,
    TaskReference,
)
from flask_task_metrics.markdown import code_span, markdown_of
from tests.support.tasks import WINDOW

WAITED = LatencyStats(p50=5000, p95=12_345, p99=15_000, max=1_200_000, avg=6_500, samples=80)
NO_SAMPLES = LatencyStats(p50=None, p95=None, p99=None, max=None, avg=None, samples=0)
ONE_SAMPLE = LatencyStats(p50=7, p95=7, p99=7, max=7, avg=7, samples=1)
LAST = WINDOW.end - timedelta(seconds=108)

SNAPSHOT = Snapshot(
    window=WINDOW,
    state="stuck",
    reason="12 due tasks are queued, the oldest for 90 min",
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

TEXT = """\
**State: stuck**: 12 due tasks are queued, the oldest for 90 min.

60 minutes, from 2026-01-30T09:00:00Z to 2026-01-30T10:00:00Z; source `videos`; request `req_5f0c`

**Backlog**

- queued: 12, the oldest for 90 min (task `17`, request `req_0b2e`)
- scheduled: 4
- processing: 0

**Counts**

- created: 1,000
- completed: 80
- failed: 5
- cancelled: 2
- processing: 3
- queued: 10

**Latencies**

- time to processing: p50 5 s, p95 12.345 s, p99 15 s, max 1,200 s, avg 6.5 s (80 samples)
- time to complete: no samples
- end to end: p50 0.007 s, p95 0.007 s, p99 0.007 s, max 0.007 s, avg 0.007 s (1 sample)

**Top errors**

1. `INVALID_PROMPT`: 3, last at 2026-01-30T09:58:12Z, task `812`, request `req_91ab`
2. `QUOTA`: 1, last at 2026-01-30T09:58:12Z, task `9`
"""

COMPARED = replace(
    SNAPSHOT,
    previous=PreviousFigures(980, 80, 7, 2, Latency(WAITED, None, NO_SAMPLES)),
    top_errors=(
        ErrorCount("A_NEW", 3, LAST, TaskReference("812", None), 0, LAST - timedelta(minutes=9)),
        ErrorCount("OLD", 1, LAST, TaskReference("9", None), 4, LAST - timedelta(minutes=90)),
    ),
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


def test_it_has_the_figures_of_the_snapshot() -> None:
    assert TEXT == markdown_of(SNAPSHOT, source="videos", request_id="req_5f0c")


def test_a_comparison_shows_the_changes() -> None:
    lines = markdown_of(COMPARED).splitlines()
    expected = [
        "- created: 1,000 (+20, before: 980)",
        "- completed: 80 (unchanged, before: 80)",
        "- failed: 5 (-2, before: 7)",
        "- processing: 3",
        "  - before: p50 5 s, p95 12.345 s, p99 15 s, max 1,200 s, avg 6.5 s (80 samples)",
        "  - before: not recorded",
        "  - before: no samples",
        (
            "1. `A_NEW`: 3 (+3, before: 0), **new**, first at 2026-01-30T09:49:12Z, "
            "last at 2026-01-30T09:58:12Z, task `812`"
        ),
        (
            "2. `OLD`: 1 (-3, before: 4), first at 2026-01-30T08:28:12Z, "
            "last at 2026-01-30T09:58:12Z, task `9`"
        ),
    ]
    assert expected == [line for line in expected if line in lines]


def test_what_is_not_recorded_is_shown_as_such() -> None:
    nothing = Snapshot(
        window=replace(WINDOW, minutes=1),
        state=None,
        reason=None,
        tasks=TaskCounts(None, 0, 0, 0, 0, 0),
        backlog=Backlog(BacklogCount(7, None, None), BacklogCount(0, None, None)),
        latency=Latency(None, None, None),
        top_errors=None,
    )
    text = markdown_of(nothing)
    assert text.startswith("**State: not recorded**\n\n1 minute, from ")
    assert "- queued: 7, age not recorded\n- processing: 0\n" in text
    assert "- created: not recorded\n- completed: 0\n" in text
    assert "- time to processing: not recorded\n- time to complete: not recorded\n" in text
    assert "- end to end: not recorded\n" in text
    assert text.endswith("**Top errors**\n\nnot recorded\n")


def test_no_errors_are_none() -> None:
    text = markdown_of(replace(SNAPSHOT, top_errors=()))
    assert text.endswith("**Top errors**\n\nnone\n")


def with_text(text: str) -> str:
    """Return the Markdown of a snapshot in which a text stands wherever a row's or a host's can."""
    task = TaskReference(text, text)
    snapshot = replace(
        SNAPSHOT,
        backlog=Backlog(BacklogCount(1, 1, task), BacklogCount(1, 1, task)),
        top_errors=(ErrorCount(text, 1, LAST, task),),
    )
    return markdown_of(snapshot, source=text, request_id=text)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_leaves_its_code_span(text: str) -> None:
    shown = with_text(text)
    assert with_text("x") == re.sub("`[^`]+`…?", "`x`", shown)
    assert all(line.isprintable() for line in shown.split("\n"))
    assert len(shown) < 10_000


def test_a_code_span_shows_its_text() -> None:
    shown = ["`a b`", r"`a\nb`", r"`\u0060`", "`größer 💥`", "` `", f"`{'x' * 200}`…"]
    assert shown == [code_span(text) for text in ("a b", "a\nb", "`", "größer 💥", "", "x" * 201)]
