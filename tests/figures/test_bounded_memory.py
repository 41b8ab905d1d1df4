"""A snapshot adds at most 50 MB to its process, and 500 bytes for each different error code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from itertools import islice

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from tests.support.host import NOW
from tests.support.jobs import job_table
from tests.support.tasks import failed

LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")

MEGABYTE = 1_000_000

ADDED_BYTES = """
import re, sys
from pathlib import Path
from datetime import datetime, timedelta
import sqlalchemy as sa
from flask_task_metrics import TaskSource
from tests.support.dimensions import reader_of
from tests.support.jobs import job_table

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

now = datetime.fromisoformat(sys.argv[2])
engine = sa.create_engine(sys.argv[1])
table = job_table(engine=sa.String(64))
tasks = sa.select(table).distinct() if sys.argv[4] else table
source = TaskSource(tasks, dimensions=("engine",))
read = reader_of(engine, source, TASK_METRICS_TIMEOUT_MS=0)
group_by = sys.argv[3] or None
read(now=now + timedelta(days=30), group_by=group_by)
Path("/proc/self/clear_refs").write_text("5")
before = peak()
snapshot = read(now=now, group_by=group_by)
print(peak() - before, snapshot.tasks.failed)
engine.dispose()
"""


def large_json() -> Iterable[str]:
    for number in range(120):
        yield json.dumps({"code": f"E_{number}", "detail": f"{number} " * 200_000})


def large_texts() -> Iterable[str]:
    for number in range(400):
        yield f" \n{number}" + "größe💥 " * 30_000


def large_tracebacks() -> Iterable[str]:
    frames = '  File "tasks.py", line 1, in render\n' * 20_000
    for number in range(120):
        yield f"Traceback (most recent call last):\n{frames}Error{number}: no"


def many_codes() -> Iterable[str]:
    """Yield messages with codes of their own, each of 100 characters of four bytes."""
    for number in range(20_000):
        digits = (chr(0x1F300 + (number >> shift) % 64) for shift in (0, 6, 12))
        yield "".join(digits) * 34 + " no light reaches the node" * 30


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can reset a process's peak memory")
@pytest.mark.parametrize(
    ("messages", "group_by", "derived"),
    [
        (large_json, "", ""),
        (large_texts, "", ""),
        (large_tracebacks, "", ""),
        (many_codes, "", ""),
        (many_codes, "engine", ""),
        (large_tracebacks, "", "derived"),
        (many_codes, "", "derived"),
    ],
)
def test_memory_of_a_snapshot_is_bounded_whatever_the_messages(
    database_url: str, messages: Callable[[], Iterable[str]], group_by: str, derived: str
) -> None:
    engine = sa.create_engine(database_url)
    table = job_table(error_message=LONG_TEXT, engine=sa.String(64))
    table.create(engine)
    tasks = (
        failed(message) | {"engine": f"engine {number % 1_000}"}
        for number, message in enumerate(messages())
    )
    with engine.begin() as connection:
        while batch := list(islice(tasks, 10)):
            connection.execute(sa.insert(table), batch)
    engine.dispose()

    command = [sys.executable, "-c", ADDED_BYTES, database_url, NOW.isoformat(), group_by, derived]
    added, tasks_failed = subprocess.check_output(command, text=True).split()

    assert sum(1 for _ in messages()) == int(tasks_failed)
    assert int(added) < 50 * MEGABYTE
