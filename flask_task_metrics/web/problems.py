"""From an exception to the one shape of every error: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import logging
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException

from flask_task_metrics.exceptions import (
    InvalidQuery,
    MetricsBusy,
    MetricsError,
    MetricsTimeout,
    MetricsUnavailable,
)

from .error_log import log_error
from .metric_log import emit
from .request_id import current_request_id
from .schemas import ProblemSchema

PROBLEM = "application/problem+json"


def json_response(body: str, status: int = 200, mimetype: str = "application/json") -> Response:
    """Return a response with a JSON text."""
    # A lone surrogate, which UTF-8 can't encode, becomes a backslash escape, as in JSON itself.
    return Response(f"{body}\n".encode(errors="backslashreplace"), status, mimetype=mimetype)


def problem_of(error: HTTPException, request_id: str | None) -> dict[str, Any]:
    """Return the members of the problem that an HTTP error is."""
    problem = {
        "title": error.name,
        "status": error.code,
        "detail": error.description,
        "code": getattr(error, "problem_code", error.name.upper().replace(" ", "_")),
        "request_id": request_id,
    }
    return problem | ({"errors": error.errors} if isinstance(error, InvalidQuery) else {})


def problem_response(error: HTTPException) -> Response:
    """Return an HTTP error as a problem, with its own headers, such as Retry-After."""
    problem = problem_of(error, current_request_id())
    body = ProblemSchema().dumps(problem, indent=2, ensure_ascii=False)
    response = json_response(body, error.code or 500, PROBLEM)
    response.headers.extend(own_headers(error))
    return response


def own_headers(error: HTTPException) -> list[tuple[str, str]]:
    """Return the headers that an HTTP error adds to its answer."""
    return [(name, value) for name, value in error.get_headers() if name != "Content-Type"]


def answer_error(error: Exception) -> Response:
    """Answer any error of the blueprint's own routes.

    An exception that is no HTTP error is answered with a 500, and its traceback is logged.
    """
    if not isinstance(error, HTTPException):
        error = MetricsError(original_exception=error)
    if isinstance(error, MetricsError):
        raised = error.original_exception or error
        log_error(f"metrics failed requestId={current_request_id()}", raised)
    if isinstance(error, MetricsBusy | MetricsUnavailable | MetricsTimeout):
        cause = getattr(error.__cause__, "orig", error.__cause__)
        emit(logging.WARNING, "metrics.failed", {"code": error.problem_code, "cause": cause})
    return problem_response(error)
