"""The `[METRICS]` line: one event, one line of logfmt."""

from __future__ import annotations

import json
import logging
import re
from time import perf_counter
from typing import Any

from flask import Response, request
from flask.logging import default_handler

from .config import current_state
from .exceptions import InvalidMetricError
from .request_id import current_request_id

BEGAN_KEY = "flask_task_metrics.began"

NAME = re.compile(r"[A-Za-z0-9_.-]+")


def logger() -> logging.Logger:
    """The package's logger, made at its first use: a `dictConfig` disables those that it finds."""
    return logging.getLogger("flask_task_metrics")


def emit_metric(event: str, /, **fields: object) -> None:
    """Log one `[METRICS] event key=value …` line at level INFO, on the logger `flask_task_metrics`.

    Inside a request `requestId` comes first by itself; a field that is None is left out. A value
    that holds white space, quotes, `=` or what does not print is quoted, so that one event is one
    line.

    Raises `InvalidMetricError` for an event or a field name that is not of `[A-Za-z0-9_.-]`.
    """
    line = _line(event, {"requestId": current_request_id()} | fields)
    if logger().hasHandlers():
        logger().info(line)
    elif _is_shown_by_default(logger()):
        # Nobody configured logging: the line goes where Flask sends app.logger, and no handler
        # stays behind to repeat it.
        default_handler.handle(
            logger().makeRecord(logger().name, logging.INFO, __file__, 0, line, (), None)
        )


def _is_shown_by_default(logger: logging.Logger) -> bool:
    off = logger.disabled or logger.manager.disable >= logging.INFO
    return not off and max(logger.level, default_handler.level) <= logging.INFO


def _line(event: str, fields: dict[str, Any]) -> str:
    for name in (event, *fields):
        if not NAME.fullmatch(name):
            raise InvalidMetricError(
                f"{name!r} can't name an event or a field; use letters, digits, '_', '.' and '-'"
            )
    pairs = (f"{name}={logfmt(value)}" for name, value in fields.items() if value is not None)
    return " ".join(("[METRICS]", event, *pairs))


def logfmt(value: object) -> str:
    """A value as it stands in a line, quoted where it holds what would break the line."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text and text.isprintable() and not re.search(r'[\s"=\\]', text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else json.dumps(char).strip('"') for char in quoted)


def start_request_timer() -> None:
    """Note when the request began."""
    request.environ[BEGAN_KEY] = perf_counter()


def log_request(response: Response) -> Response:
    """Log `request.completed` for the requests that TASK_METRICS_LOG_REQUESTS names."""
    settings = current_state().settings
    wanted = {"all": True, "none": False, "blueprint": request.path == settings.snapshot_path}
    if wanted[settings.log_requests]:
        emit_metric(
            "request.completed",
            method=request.method,
            path=request.path,
            status=response.status_code,
            durationMs=duration_ms(),
        )
    return response


def duration_ms() -> float | None:
    """Milliseconds since the request began; None where it failed before it did."""
    began = request.environ.get(BEGAN_KEY)
    return None if began is None else round((perf_counter() - began) * 1000, 1)
