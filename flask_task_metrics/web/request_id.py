"""Request ids: every request of the host gets one, and every response carries it."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from typing import Any, TypeAlias

from flask import current_app, g, has_request_context, request

from flask_task_metrics.mounted import EXTENSION_KEY

from .logger import logger

RequestIdOf: TypeAlias = Callable[[], str | None]
"""A host's own function, called inside a request, that returns the id of that request."""

ENVIRON_KEY = "flask_task_metrics.request_id"

VALID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def current_request_id() -> str | None:
    """Return the id of the current request; None outside a request, and in an app without
    `TaskMetrics`.

    It is the id of `TaskMetrics(…, request_id_of=…)` if the host gave that function, or else the
    inbound `X-Request-Id`, if that is 1 to 128 characters of `[A-Za-z0-9._-]`, or else `req_` and
    32 hex digits of a random UUID.
    """
    if not has_request_context():
        return None
    mounted = current_app.extensions.get(EXTENSION_KEY)
    if mounted is None:
        return None
    environ = request.environ
    if ENVIRON_KEY not in environ:
        assign_request_id(environ, mounted.settings.request_id_environ, mounted.request_id_of)
    request_id: str | None = environ[ENVIRON_KEY]
    return request_id


def assign_request_id(
    environ: dict[str, Any], name: str, request_id_of: RequestIdOf | None
) -> None:
    """Give a request its id, in its environ and on `g.request_id`.

    `name` is the request id header's in the environ.
    """
    # While the host's function runs, the request has no id: a log line of that function must not
    # ask for one.
    environ[ENVIRON_KEY] = None
    if request_id_of is None:
        inbound = environ.get(name, "")
        request_id = inbound if VALID.fullmatch(inbound) else new_request_id()
    else:
        request_id = _hosts_id(request_id_of)
    # Not on g alone: a request that the host makes to itself may share its g.
    environ[ENVIRON_KEY] = g.request_id = request_id


def new_request_id() -> str:
    """Return `req_` and 32 hex digits of a random UUID."""
    return f"req_{uuid.uuid4().hex}"


def _hosts_id(request_id_of: RequestIdOf) -> str:
    try:
        found: Any = request_id_of()
    except Exception:  # noqa: BLE001 - a host's function may raise anything
        logger().warning("request_id_of failed; the request gets a new id", exc_info=True)
        return new_request_id()
    if isinstance(found, str) and VALID.fullmatch(found):
        return found
    logger().warning(
        "request_id_of returned no valid id (1 to 128 characters of [A-Za-z0-9._-]); "
        "the request gets a new one"
    )
    return new_request_id()


class RequestIdFilter(logging.Filter):
    """Put the id of the current request on each log record as `record.request_id`; `-` outside a
    request.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the request id on a record, and let it pass."""
        record.request_id = current_request_id() or "-"
        return True
