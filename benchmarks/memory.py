"""What a contender adds to the peak resident memory of a Python process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from .contenders import CONTENDERS
from .exceptions import BenchmarkError
from .host import URL_VARIABLE, Host
from .results import Memory

PROC = Path("/proc/self")


def measure_memory(engine: sa.Engine, rows: int, contender: str, minutes: int) -> Memory:
    """What a contender adds to a process of its own.

    Raises `BenchmarkError` where that process fails, with what it says.
    """
    what = [contender, "--rows", str(rows), "--minutes", str(minutes)]
    # Arguments are for everybody on the machine to see, and the URL may hold a password.
    url = {URL_VARIABLE: engine.url.render_as_string(hide_password=False)}
    ended = subprocess.run(
        [sys.executable, "-m", __package__, "memory", *what],
        check=False,
        env=os.environ | url,
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        raise BenchmarkError(f"the memory of {contender} could not be measured: {ended.stderr}")
    return Memory(contender, minutes, rows, round(int(ended.stdout) / 2**20, 1))


def added_bytes(host: Host, contender: str, minutes: int) -> int:
    """By how many bytes a contender raises this process's peak, all that its first call needs being
    there.

    Raises `BenchmarkError` where the system does not tell.
    """
    if not (PROC / "clear_refs").exists():
        raise BenchmarkError("memory is read from /proc, which this system has not")
    read = CONTENDERS[contender]
    read(host, 1)
    # Lets the peak begin anew at what is resident now.
    (PROC / "clear_refs").write_text("5", encoding="ascii")
    before = _peak_bytes()
    read(host, minutes)
    return _peak_bytes() - before


def _peak_bytes() -> int:
    status = (PROC / "status").read_text(encoding="ascii")
    [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) * 1024
