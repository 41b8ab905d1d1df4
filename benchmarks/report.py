"""Print results as a Markdown table, with the machine that they were measured on."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from .contenders import CONTENDERS
from .running import HTTP, IN_PYTHON, Case, Results

TIMED = (*CONTENDERS, HTTP)
HEADER = ("database", "tasks", "minutes", *TIMED, *(f"{name}, MB" for name in IN_PYTHON))


def markdown(results: Sequence[Results]) -> str:
    """Return a table with a row for each window of each table, and two lines about it."""
    rule = ["---:" if number else "---" for number in range(len(HEADER))]
    table = [HEADER, rule, *(row for result in results for row in _rows(result))]
    return "\n".join(
        (
            *(f"| {' | '.join(cells)} |" for cells in table),
            "",
            "Milliseconds: median (lowest–highest). MB: peak memory added to a Python process.",  # noqa: RUF001 - a range
            f"Measured {datetime.now(timezone.utc):%Y-%m-%d} on {machine()}.",
        )
    )


def _rows(results: Results) -> Iterator[Sequence[str]]:
    for rows, minutes in dict.fromkeys((case.rows, case.minutes) for case in results.milliseconds):
        times = (results.milliseconds[Case(rows, minutes, name)] for name in TIMED)
        memory = (results.megabytes.get(Case(rows, minutes, name)) for name in IN_PYTHON)
        yield (
            *(results.database, f"{rows:,}", str(minutes)),
            *map(_median_and_range, times),
            *("" if megabytes is None else _short(megabytes) for megabytes in memory),
        )


def _median_and_range(values: Sequence[float]) -> str:
    return f"{_short(median(values))} ({_short(min(values))}–{_short(max(values))})"  # noqa: RUF001 - a range


def _short(value: float) -> str:
    """Return a number with three digits, or all before the point if there are more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """Return the processor, the memory and the system that this process runs on."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {gigabytes:.0f} GB of memory, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return model[1] if model else platform.processor() or platform.machine()
