"""Scrapes of a host, as the parsers of Prometheus read them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient
from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from flask_task_metrics import TaskSource
from tests.support.databases import program
from tests.support.host import HEADERS, METRICS, Task, add_tasks, current_utc

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


CODES = TaskSource(Task, error_code="error_message", error_message=None)
"""Its messages are codes, whatever is in them."""

HOSTILE = (
    'quotes " and "',
    "back\\slash\\",
    "new\nline",
    "forged\n} 1\ntask_metrics_tasks 7\n#",
    "carriage\rreturn",
    "line\u2028separator",
    "\u202eright to left",
    "control \x01 and \x7f",
    "null\0byte",
    "größe 大 \N{SNAKE}",
    "{}=,",
)
"""Codes that a format of text has to escape, or a reader may stumble over."""


def add_tasks_of_every_kind(engine: sa.Engine) -> None:
    """Add tasks of every kind: each count is another."""
    now = current_utc()
    done = {
        "status": "completed",
        "created_at": now - timedelta(seconds=12),
        "processing_at": now - timedelta(seconds=10),
        "completed_at": now,
        "updated_at": now,
    }
    failed = {"status": "failed", "created_at": now, "updated_at": now}
    since = {"created_at": now - timedelta(minutes=2), "updated_at": now}
    add_tasks(
        engine,
        *[done, done | {"processing_at": now - timedelta(seconds=8, milliseconds=500)}],
        *[failed | {"error_message": f"CODE_{n % 7}: x"} for n in range(9)],
        *[{"status": "queued"} | since] * 3,
        *[{"status": "processing", "processing_at": now - timedelta(minutes=1)} | since] * 4,
    )


def scrape(client: FlaskClient, accept: str = "", **headers: str) -> str:
    """Return the text of a scrape."""
    answer = client.get(METRICS, headers=HEADERS | {"Accept": accept} | headers)
    assert 200 == answer.status_code, answer.text
    return answer.text


def families_of(text: str) -> list[Any]:
    """Return the metrics of a scrape, read by the parser of its format."""
    parser: Any = openmetrics_parser if text.endswith("# EOF\n") else text_parser
    return list(parser.text_string_to_metric_families(text))


def samples_of(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield the name, labels and value of each sample."""
    for family in families_of(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def series_of(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    """Return the labels and values of a metric, by its name without `task_metrics_`."""
    wanted = f"task_metrics_{name}"
    return [(labels, value) for found, labels, value in samples_of(text) if found == wanted]


def promtool(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    return subprocess.run(
        [program("promtool", "prometheus"), *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        text=True,
    )
