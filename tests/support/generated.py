"""Generated tasks, near the edges of the window and far from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from tests.support.oracle import TaskRow
from tests.support.tasks import END, MICROSECOND, START, ago


def moments_near(offsets: Sequence[int], earliest: int) -> st.SearchStrategy[datetime]:
    """Return moments around the window: at offsets in microseconds, or from `earliest` on."""
    return st.builds(
        lambda moment, offset: moment + offset * MICROSECOND,
        st.sampled_from([START, ago(minutes=10), END]),
        st.sampled_from(offsets) | st.integers(earliest, 10**10),
    )


def lists_of_tasks(
    moments: st.SearchStrategy[datetime], status: Any, **others: Any
) -> st.SearchStrategy[list[TaskRow]]:
    """Return lists of at most 14 tasks that are numbered from 1."""
    times = ("created_at", "processing_at", "completed_at", "updated_at")
    rows = st.builds(
        TaskRow,
        id=st.just(0),
        status=status,
        **dict.fromkeys(times, st.none() | moments),
        **others,
    )
    return st.lists(rows, max_size=14).map(
        lambda drawn: [
            TaskRow(**asdict(row) | {"id": number}) for number, row in enumerate(drawn, 1)
        ]
    )
