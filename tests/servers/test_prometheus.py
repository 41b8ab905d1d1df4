"""A real Prometheus scrapes a host."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import sqlalchemy as sa

from tests.support.databases import on, program
from tests.support.example import free_port
from tests.support.host import METRICS, SECRET, add_tasks, current_utc, hosted
from tests.support.scraping import CODES, HOSTILE
from tests.support.serving import serving
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

CONFIGURATION = """
scrape_configs:
  - job_name: task-metrics
    metrics_path: {path}
    scrape_interval: 1s
    authorization: {{credentials: "{secret}"}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@contextmanager
def prometheus(target: int, folder: Path) -> Iterator[int]:
    """Run a Prometheus that scrapes a port, and yield its own."""
    port = free_port()
    configuration = folder / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(path=METRICS, secret=SECRET, port=target))
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [
                program("prometheus", "prometheus"),
                f"--config.file={configuration}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def query(port: int, expression: str) -> list[tuple[dict[str, str], float]]:
    """Return the labels and value of each series; none while Prometheus starts."""
    with suppress(URLError):
        url = f"http://127.0.0.1:{port}/api/v1/query?{urlencode({'query': expression})}"
        with urlopen(url) as answer:
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]
    return []


@on("sqlite")
def test_prometheus_reads_every_code_and_knows_when_a_scrape_fails(
    database_url: str, engine: sa.Engine, tmp_path: Path
) -> None:
    failed = {"status": "failed", "updated_at": current_utc()}
    add_tasks(engine, *(failed | {"error_message": code} for code in HOSTILE))
    with (
        hosted(database_url, CODES, TASK_METRICS_TOP_ERRORS=100) as app,
        serving(app, threaded=False) as target,
        prometheus(target.port, tmp_path) as port,
    ):
        wait_until(lambda: query(port, "task_metrics_error_tasks"))
        found = query(port, "task_metrics_error_tasks")
        assert dict.fromkeys(HOSTILE, 1) == {labels["code"]: value for labels, value in found}
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE tasks")
        wait_until(lambda: [0.0] == [value for _, value in query(port, "up")])
        assert [] == query(port, "task_metrics_error_tasks")
