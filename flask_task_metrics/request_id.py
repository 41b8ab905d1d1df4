"""Request ids: every request of the host has one, every response carries it."""

from __future__ import annotations

import logging
import re
import uuid

from flask import Response, current_app, g, has_request_context, request

from .config import EXTENSION_KEY, current_state

ENVIRON_KEY = "flask_task_metrics.request_id"

VALID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def current_request_id() -> str | None:
    """The id of the current request; None outside a request, and in an app that `TaskMetrics` is
    not mounted on.

    It is the request's own `X-Request-Id` where that is 1 to 128 characters of `[A-Za-z0-9._-]`,
    else `req_` and 32 hex digits of a random UUID.
    """
    if not has_request_context() or EXTENSION_KEY not in current_app.extensions:
        return None
    if ENVIRON_KEY not in request.environ:
        assign_request_id()
    request_id: str = request.environ[ENVIRON_KEY]
    return request_id


def assign_request_id() -> None:
    """Give the request that begins its id, on `g.request_id` too."""
    inbound = request.headers.get(current_state().settings.request_id_header, "")
    g.request_id = inbound if VALID.fullmatch(inbound) else f"req_{uuid.uuid4().hex}"
    # A request that the host makes to itself may share its g.
    request.environ[ENVIRON_KEY] = g.request_id


def send_request_id(response: Response) -> Response:
    """Put the id of the current request on its response."""
    response.headers[current_state().settings.request_id_header] = current_request_id()
    return response


class RequestIdFilter(logging.Filter):
    """Puts the id of the current request on each log record as `record.request_id`; `-` where there
    is none.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, its request id put on it."""
        record.request_id = current_request_id() or "-"
        return True
