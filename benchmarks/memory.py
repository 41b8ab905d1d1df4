"""Measure the peak memory that a contender adds to a Python process."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import sqlalchemy as sa

from .contenders import CONTENDERS
from .host import Host

PROC = Path("/proc/self")


def can_measure_memory() -> bool:
    """Return whether this system counts a process's peak memory in /proc, as Linux does."""
    return (PROC / "clear_refs").exists()


def measure_memory(engine: sa.Engine, rows: int, minutes: int, contender: str) -> float:
    """Return the megabytes that a contender adds to a process of its own."""
    url = engine.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        return processes.submit(_added_megabytes, url, rows, minutes, contender).result()


def _added_megabytes(url: str, rows: int, minutes: int, contender: str) -> float:
    engine = sa.create_engine(url)
    host, read = Host(engine, rows), CONTENDERS[contender]
    # The first call loads modules and opens a connection, whatever the window.
    read(host, 1)
    # Resets the peak to the memory that is resident now.
    (PROC / "clear_refs").write_text("5", encoding="ascii")
    before = _peak_kilobytes()
    read(host, minutes)
    added = _peak_kilobytes() - before
    engine.dispose()
    return added / 1024


def _peak_kilobytes() -> int:
    status = (PROC / "status").read_text(encoding="ascii")
    [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes)
