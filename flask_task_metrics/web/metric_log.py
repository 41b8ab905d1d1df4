"""The `[METRICS]` log: `emit_metric`."""

from __future__ import annotations

import logging
import re
from typing import Any

from flask import has_request_context, request
from flask.logging import default_handler

from flask_task_metrics.logfmt import check_names, metric_line

from .logger import logger
from .request_id import current_request_id

TRACEPARENT = re.compile(
    r"(?:00(?=.{53}\Z)|(?!00|ff)[0-9a-f]{2}(?=.{53}(?:\Z|-)))"
    r"-(?P<trace_id>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
"""A `traceparent` header (W3C Trace Context). Only a version above 00 may be longer than 55
characters, behind another hyphen.
"""


def emit_metric(event: str, /, **fields: object) -> None:
    """Log one `[METRICS] event key=value …` line at level INFO, on the logger `flask_task_metrics`.

    Inside a request, `requestId` comes first by itself, then `traceId` if the request has a valid
    `traceparent`. Fields that are None are left out. A value that could break the line is quoted,
    so one event is one line. For example `emit_metric("task.created", taskId=812, engine="v2")`.
    The record has the event as `record.event` and the fields as `record.metrics`.

    Raises `InvalidMetricError` for an event or a field name that is not of `[A-Za-z0-9_.-]`; no
    value makes it raise.
    """
    emit(logging.INFO, event, fields)


def emit(level: int, event: str, fields: dict[str, Any]) -> None:
    """Log one line at a level; see `emit_metric`."""
    check_names(event, *fields)
    if (taker := taker_of(level)) is not None:
        trace = trace_id(request.environ) if has_request_context() else None
        fields = {"requestId": current_request_id(), "traceId": trace} | fields
        write_line(taker, level, event, fields)


def taker_of(level: int) -> logging.Logger | logging.Handler | None:
    """Return the logger or handler that takes a line of a level; None if nobody wants it."""
    log = logger()
    if log.hasHandlers():
        return log if log.isEnabledFor(level) else None
    # Without any logging configured, the line goes to the handler of app.logger. Adding that
    # handler to the logger instead would log lines twice once the host configures logging.
    is_off = log.disabled or log.manager.disable >= level
    return None if is_off or max(log.level, default_handler.level) > level else default_handler


def write_line(
    taker: logging.Logger | logging.Handler, level: int, event: str, fields: dict[str, Any]
) -> None:
    """Hand a line to its taker, without its fields that are None."""
    fields = {name: value for name, value in fields.items() if value is not None}
    # Logger.log would walk the stack for a caller, which is always this module.
    log = logger()
    line = metric_line(event, fields)
    record = log.makeRecord(log.name, level, __file__, 0, line, (), None, "write_line")
    vars(record).update(event=event, metrics=fields)
    taker.handle(record)


def trace_id(environ: dict[str, Any]) -> str | None:
    """Return the trace id of a request's `traceparent`; None without a valid one."""
    if (traceparent := environ.get("HTTP_TRACEPARENT")) is None:
        return None
    match = TRACEPARENT.match(traceparent)
    return match and match["trace_id"]
