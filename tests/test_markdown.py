"""A snapshot in Markdown has the same figures, and nothing of a row can break it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from flask_task_metrics.markdown import code_span, markdown_of
from tests.support.snapshots import (
    COMPARED,
    GROUPED,
    HOSTILE,
    NOTHING_RECORDED,
    SNAPSHOT,
    with_text,
)

TEXT = f"""\
**State: stalled**: {SNAPSHOT.reason}.

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
    text = markdown_of(NOTHING_RECORDED)
    assert text.startswith("**State: not recorded**\n\n1 minute, from ")
    assert "- queued: 7, age not recorded\n- processing: 0\n" in text
    assert "- created: not recorded\n- completed: 0\n" in text
    assert "- time to processing: not recorded\n- time to complete: not recorded\n" in text
    assert "- end to end: not recorded\n" in text
    assert text.endswith("**Top errors**\n\nnot recorded\n")


def test_no_errors_are_none() -> None:
    text = markdown_of(replace(SNAPSHOT, top_errors=()))
    assert text.endswith("**Top errors**\n\nnone\n")


def markdown_with(text: str) -> str:
    """Return the Markdown of a snapshot in which a text stands wherever a row's or a host's can."""
    return markdown_of(with_text(text), source=text, request_id=text)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_leaves_its_code_span(text: str) -> None:
    shown = markdown_with(text)
    assert markdown_with("x") == re.sub("`[^`]+`…?", "`x`", shown)
    assert all(line.isprintable() for line in shown.split("\n"))
    assert len(shown) < 10_000


def test_a_code_span_shows_its_text() -> None:
    shown = ["`a b`", r"`a\nb`", r"`\u0060`", "`größer 💥`", "` `", f"`{'x' * 200}`…"]
    assert shown == [code_span(text) for text in ("a b", "a\nb", "`", "größer 💥", "", "x" * 201)]


GROUP = """\
**engine `run\\u0060way`**

- Backlog
  - queued: 12, the oldest for 90 min (task `17`, request `req_0b2e`)
  - scheduled: 4
  - processing: 0
- Counts
  - created: 1,000
  - completed: 80
  - failed: 5
  - cancelled: 2
  - processing: 3
  - queued: 10
- Latencies
  - time to processing: p50 5 s, p95 12.345 s, p99 15 s, max 1,200 s, avg 6.5 s (80 samples)
  - time to complete: no samples
  - end to end: p50 0.007 s, p95 0.007 s, p99 0.007 s, max 0.007 s, avg 0.007 s (1 sample)
- Top errors
  1. `INVALID_PROMPT`: 3, last at 2026-01-30T09:58:12Z, task `812`, request `req_91ab`
  2. `QUOTA`: 1, last at 2026-01-30T09:58:12Z, task `9`
"""


def test_groups_follow_the_figures_of_all_tasks() -> None:
    text = markdown_of(GROUPED, source="videos", request_id="req_5f0c")
    assert text.startswith(f"{TEXT}\n**Groups: 1,025**\n\n{GROUP}\n")
    titles = [line for line in text.splitlines() if line.startswith("**engine") or "others" in line]
    others = ["**engine `true`**", "**engine null**", "**All others**"]
    assert [GROUP.splitlines()[0], *others] == titles


def test_groups_of_no_tasks_are_none() -> None:
    no_groups = replace(SNAPSHOT, groups=(), group_count=0)
    assert markdown_of(no_groups).endswith("\n\n**Groups: 0**\n")
