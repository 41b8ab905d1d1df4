"""From an exception to the one shape that errors have: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from flask import Response
from werkzeug.exceptions import HTTPException

from .exceptions import InvalidQuery, MetricsError, MetricsTimeout, MetricsUnavailable
from .metric_log import emit_metric, logger
from .request_id import current_request_id
from .schemas import ProblemSchema


def json_response(body: str, status: int = 200, mimetype: str = "application/json") -> Response:
    """A JSON text as a response."""
    # What UTF-8 can't hold, a lone surrogate, is encoded as a backslash escape, which is JSON's
    # own.
    return Response(f"{body}\n".encode(errors="backslashreplace"), status, mimetype=mimetype)


def problem_response(error: HTTPException) -> Response:
    """An HTTP error as a problem, with the headers that belong to it."""
    problem = {
        "title": error.name,
        "status": error.code,
        "detail": error.description,
        "code": getattr(error, "problem_code", error.name.upper().replace(" ", "_")),
        "request_id": current_request_id(),
    }
    if isinstance(error, InvalidQuery):
        problem["errors"] = error.errors
    body = ProblemSchema().dumps(problem, indent=2, ensure_ascii=False)
    response = json_response(body, error.code or 500, "application/problem+json")
    response.headers.extend(
        (name, value) for name, value in error.get_headers() if name != "Content-Type"
    )
    return response


def answer_error(error: Exception) -> Response:
    """Answer any error of the blueprint's own routes; what is not an HTTP error is a 500, and its
    traceback is logged.
    """
    if not isinstance(error, HTTPException):
        error = MetricsError(original_exception=error)
    if isinstance(error, MetricsError):
        raised = error.original_exception or error
        logger().error("snapshot failed requestId=%s", current_request_id(), exc_info=raised)
    if isinstance(error, MetricsUnavailable | MetricsTimeout):
        cause = getattr(error.__cause__, "orig", error.__cause__)
        emit_metric("metrics.failed", code=error.problem_code, cause=cause)
    return problem_response(error)
