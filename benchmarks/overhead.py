"""What the package adds to every request of its host."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response
from werkzeug.test import EnvironBuilder

from flask_task_metrics import TaskMetrics

from .host import SECRET
from .tables import source_of, table_of_size

REQUESTS = 1_000
"""The requests of a case in one round."""

CONSTANT_LINE = (
    "[METRICS] request.completed requestId=req_5f0c6a1e0c8b4c0f9d3f4a2b1c7e8d90 method=GET path=/ "
    "status=200 durationMs=0.1"
)

CASES: Mapping[str, tuple[str, int]] = {
    "id": ("none", logging.INFO),
    "id and a constant line by logger.info, to a file": ("none", logging.INFO),
    "id and request.completed, to a file": ("all", logging.INFO),
    "id and request.completed, logger at WARNING": ("all", logging.WARNING),
}
"""The cases by TASK_METRICS_LOG_REQUESTS and the level of the package's logger."""


def measure_overhead(rounds: int) -> dict[str, list[float]]:
    """Return the microseconds that each case adds to a trivial route, one figure a round.

    Each round measures the bare app and every case in turn, after a round that is not counted.
    """
    bare = _app()
    apps = {case: _app(TASK_METRICS_LOG_REQUESTS=log) for case, (log, _) in CASES.items()}
    added: dict[str, list[float]] = {case: [] for case in CASES}
    with _log_to_file() as logger:
        _log_constant_lines(apps["id and a constant line by logger.info, to a file"], logger)
        for number in range(rounds + 1):
            base = _request_us(bare)
            for case, app in apps.items():
                logger.setLevel(CASES[case][1])
                microseconds = _request_us(app) - base
                if number:
                    added[case].append(microseconds)
    return added


def overhead_table(added: Mapping[str, Iterable[float]]) -> str:
    """Return a Markdown table with the median, the least and the most of each case."""
    rows = [
        f"| {case} | {median(figures):.1f} ({min(figures):.1f} to {max(figures):.1f}) |"
        for case, figures in ((case, list(figures)) for case, figures in added.items())
    ]
    return "\n".join(("| case | µs added to a request |", "|---|---:|", *rows))


def _app(**config: Any) -> Flask:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "ok")
    if config:
        app.config.update(TASK_METRICS_ADMIN_SECRET=SECRET, **config)
        TaskMetrics(sa.create_engine("sqlite://"), source_of(table_of_size(1)), app=app)
    return app


def _log_constant_lines(app: Flask, logger: logging.Logger) -> None:
    @app.after_request
    def log_constant_line(response: Response) -> Response:
        logger.info(CONSTANT_LINE)
        return response


def _request_us(app: Flask) -> float:
    environ = EnvironBuilder("/").get_environ()
    began = perf_counter()
    for _ in range(REQUESTS):
        list(app.wsgi_app(dict(environ), _start_response))
    return (perf_counter() - began) / REQUESTS * 1e6


def _start_response(*response: Any) -> Callable[[bytes], object]:
    return len


@contextmanager
def _log_to_file() -> Iterator[logging.Logger]:
    logger = logging.getLogger("flask_task_metrics")
    with TemporaryDirectory() as folder:
        handler = logging.FileHandler(Path(folder) / "metrics.log")
        logger.addHandler(handler)
        try:
            yield logger
        finally:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
            handler.close()
