"""A report has the figures of a snapshot, fits in 80 columns, and no text of a row breaks it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from flask_task_metrics import (
    Backlog,
    BacklogCount,
    ErrorCount,
    Group,
    LatencyStats,
    ScheduledCount,
    Snapshot,
    TaskCounts,
    TaskReference,
)
from flask_task_metrics.cli.layout import text_of
from flask_task_metrics.cli.report import report_lines
from flask_task_metrics.cli.texts import width_of
from tests.support.snapshots import (
    COMPARED,
    GROUPED,
    HOSTILE,
    LAST,
    NOTHING_RECORDED,
    SNAPSHOT,
    with_text,
)
from tests.support.tasks import WINDOW

TEXT = """\
STALLED: 12 due tasks are queued, the oldest for 90 min; nothing has ended for 9
min; nothing is being processed.
60 minutes, from 2026-01-30T09:00:00Z to 2026-01-30T10:00:00Z; source videos

Backlog
  queued      12  ████████████████████  the oldest for 90 min
  scheduled    4  ██████▋
  processing   0
  oldest queued: task 17, request req_0b2e

Counts
  created     1,000  ████████████████████
  completed      80  █▌
  failed          5  ▏
  cancelled       2  ▏
  processing      3  ▏
  queued         10  ▏

Top errors
  3  ██████████  INVALID_PROMPT
                 last at 2026-01-30T09:58:12Z
                 task 812, request req_91ab
  1  ███▎        QUOTA
                 last at 2026-01-30T09:58:12Z
                 task 9

Latencies in seconds
                        p50     p95    p99    max    avg  samples
  time to processing      5  12.345     15  1,200    6.5       80
  time to complete    no samples
  end to end          0.007   0.007  0.007  0.007  0.007        1
"""

EARLIER = replace(
    SNAPSHOT,
    window=replace(WINDOW, end=WINDOW.end - timedelta(seconds=5)),
    tasks=TaskCounts(990, 80, 6, 2, 3, 10),
    backlog=Backlog(BacklogCount(10, 1, None), BacklogCount(0, None, None), ScheduledCount(4)),
    top_errors=(ErrorCount("OLD", 4, LAST, TaskReference("9", None)),),
)


def lines_of(snapshot: Snapshot, width: int = 80, **options: Any) -> list[str]:
    """Return the lines of a report as texts."""
    return [text_of(line) for line in report_lines(snapshot, width, **options)]


def section(name: str, lines: list[str]) -> list[str]:
    """Return the lines of a section."""
    begin = next(number for number, line in enumerate(lines) if line.startswith(name))
    end = lines.index("", begin) if "" in lines[begin:] else None
    return lines[begin + 1 : end]


def test_it_has_the_figures_of_the_snapshot() -> None:
    assert TEXT.splitlines() == lines_of(SNAPSHOT, source="videos")


def test_a_comparison_shows_the_changes() -> None:
    lines = lines_of(COMPARED)
    assert [
        "  created     1,000  ████████████████████  +20, before: 980",
        "  completed      80  █▌                    unchanged, before: 80",
        "  failed          5  ▏                     -2, before: 7",
        "  cancelled       2  ▏                     unchanged, before: 2",
        "  processing      3  ▏",
        "  queued         10  ▏",
    ] == section("Counts", lines)
    assert [
        "  3  ██████████  A_NEW",
        "                 +3, before: 0, NEW, first at 2026-01-30T09:49:12Z, last at",
        "                 2026-01-30T09:58:12Z",
        "                 task 812",
    ] == section("Top errors", lines)[:4]
    assert [
        "                        p50     p95    p99    max    avg  samples",
        "  time to processing      5  12.345     15  1,200    6.5       80",
        "    before                5  12.345     15  1,200    6.5       80",
        "  time to complete    no samples",
        "    before            not recorded",
        "  end to end          0.007   0.007  0.007  0.007  0.007        1",
        "    before            no samples",
    ] == section("Latencies", lines)


def test_an_earlier_snapshot_shows_the_changes_since() -> None:
    old, new = (ErrorCount(code, 6, LAST, TaskReference("9", None)) for code in ("OLD", "LATER"))
    lines = lines_of(replace(SNAPSHOT, top_errors=(old, new)), earlier=EARLIER)
    assert [
        "  queued      12  +2  ████████████████████  the oldest for 90 min",
        "  scheduled    4      ██████▋",
    ] == section("Backlog, and changes since 2026-01-30T09:59:55Z", lines)[:2]
    assert [
        "  created     1,000  +10  ████████████████████",
        "  completed      80       █▌",
        "  failed          5   -1  ▏",
    ] == section("Counts, and changes since 2026-01-30T09:59:55Z", lines)[:3]
    errors = section("Top errors, and changes since 2026-01-30T09:59:55Z", lines)
    assert ["  6          +2  ██████████  OLD", "  6  listed now  ██████████  LATER"] == errors[::3]


def test_no_errors_are_none() -> None:
    assert ["  none"] == section("Top errors", lines_of(replace(SNAPSHOT, top_errors=())))


def test_a_state_without_a_reason_is_a_word() -> None:
    assert "IDLE." == lines_of(replace(SNAPSHOT, state="idle", reason=None))[0]


def test_what_is_not_recorded_is_shown_as_such() -> None:
    lines = lines_of(NOTHING_RECORDED)
    assert "State not recorded." == lines[0]
    assert "  queued      7  ████████████████████  age not recorded" in lines
    assert ["  created     not recorded", "  completed   0"] == section("Counts", lines)[:2]
    assert ["  not recorded"] == section("Top errors", lines)
    latencies = section("Latencies", lines)[1:]
    assert ["not recorded"] * 3 == [line[-12:] for line in latencies]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("width", [60, 80])
def test_no_text_leaves_its_lines(text: str, width: int) -> None:
    lines = lines_of(with_text(text), width, source=text)
    assert all(line.isprintable() for line in lines)
    assert all(width_of(line) <= width for line in lines)
    assert 100 > len(lines)


def test_great_numbers_and_long_ids_fit_in_80_columns() -> None:
    many = 123_456_789
    task = TaskReference("0b2e8c41-d7f6-4a5f-9e1c-3b7a2d604f18", "req_" + 32 * "f")
    backlog = BacklogCount(many, 10**7, task)
    stats = LatencyStats(86_400_123, 86_400_123, 86_400_123, 86_400_123, 86_400_123, many)
    snapshot = replace(
        COMPARED,
        tasks=TaskCounts(*[many] * 6),
        backlog=Backlog(backlog, backlog),
        latency=replace(SNAPSHOT.latency, end_to_end_ms=stats),
        top_errors=(ErrorCount("E" * 100, many, LAST, task, 0, LAST),),
    )
    lines = lines_of(snapshot, earlier=EARLIER)
    assert 80 >= max(map(width_of, lines))
    assert ["86,400.123"] * 5 in [line.split()[:-1] for line in lines]


def test_groups_have_a_row_each_and_their_leading_error() -> None:
    assert [
        "                created  completed  failed  waiting  running  p95 s",
        "  run`way         1,000         80       5       12        0  0.007",
        "                3 INVALID_PROMPT, task 812, request req_91ab",
        "  true            1,000         80       5       12        0  0.007",
        "  null            1,000         80       5       12        0  0.007",
        "  1,022 others    1,000         80       5       12        0  0.007",
    ] == section("Groups by engine, 1,025 in all", lines_of(GROUPED, group_by="engine"))


def test_groups_of_no_tasks_are_none() -> None:
    lines = lines_of(replace(SNAPSHOT, groups=(), group_count=0), group_by="engine")
    assert ["  none"] == section("Groups by engine, 0 in all", lines)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_value_of_a_group_leaves_its_row(text: str) -> None:
    snapshot = with_text(text)
    errors = (snapshot.top_errors or ()) * 2
    group = Group(
        "engine", text, NOTHING_RECORDED.tasks, snapshot.backlog, NOTHING_RECORDED.latency, errors
    )
    lines = lines_of(replace(snapshot, groups=(group,), group_count=1), group_by="engine")
    assert all(line.isprintable() for line in lines)
    assert 80 >= max(map(width_of, lines))
    row = section("Groups by engine, 1 in all", lines)[1]
    assert ["n/a", "0", "0", "1", "1", "n/a"] == row.split()[-6:]


def test_a_table_that_is_too_wide_has_its_names_on_lines_of_their_own() -> None:
    latencies = section("Latencies", lines_of(SNAPSHOT, 60))
    assert [
        "      p50     p95    p99    max    avg  samples",
        "  time to processing",
        "        5  12.345     15  1,200    6.5       80",
        "  time to complete",
        "    no samples",
    ] == latencies[:5]
