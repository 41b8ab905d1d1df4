"""The responses of the OpenAPI document: answers and errors, their headers and examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed

from flask_task_metrics.exceptions import (
    AdminUnauthorized,
    ExtraMissing,
    InvalidQuery,
    MetricsBusy,
    MetricsError,
    MetricsTimeout,
    MetricsUnavailable,
)
from flask_task_metrics.mounted import Mounted

from .auth import BEARER_RULES, HEADER
from .blueprint import Endpoint
from .examples import REQUEST_ID, Example
from .problems import PROBLEM, own_headers, problem_of
from .query import query_schema
from .request_id import VALID
from .schemas import ProblemSchema

METHODS = ("GET", "HEAD", "OPTIONS")

REQUEST_ID_KEY = "Request-Id"
"""The key of the header whose name is a setting."""

HEADERS: dict[str, dict[str, Any]] = {
    REQUEST_ID_KEY: {
        "description": "The id of the request, which log lines have too.",
        "schema": {"type": "string", "pattern": f"^{VALID.pattern}$"},
    },
    "Cache-Control": {"schema": {"type": "string", "enum": ["no-store"]}},
    "X-Content-Type-Options": {"schema": {"type": "string", "enum": ["nosniff"]}},
    "Vary": {
        "description": "The header that the form of the answer depends on.",
        "schema": {"type": "string"},
        "example": "Accept",
    },
    "WWW-Authenticate": {
        "description": "A way to send the admin secret; the header may be there twice.",
        "schema": {"type": "string"},
        "example": f'{HEADER} realm="admin"',
    },
    "Allow": {
        "description": "The methods that there are.",
        "schema": {"type": "string"},
        "example": ", ".join(METHODS),
    },
    "Retry-After": {
        "description": "The seconds after which to ask again.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
"""The headers of answers."""


def responses_of(endpoint: Endpoint, mounted: Mounted) -> dict[str, Any]:
    """Return the responses of an endpoint by status."""
    errors: dict[int, list[HTTPException]] = {}
    for error in _errors(endpoint, mounted):
        errors.setdefault(error.code or 500, []).append(error)
    return {
        str(status): _response(endpoint.answers.get(status, ()), errors.get(status, []), mounted)
        for status in sorted(endpoint.answers.keys() | errors.keys())
    }


def _errors(endpoint: Endpoint, mounted: Mounted) -> list[HTTPException]:
    """Return an example of every error of an endpoint."""
    schema = query_schema(endpoint.parameters(mounted, mounted.reader_of(None).source))
    errors = [
        AdminUnauthorized(takes_bearer=endpoint.rule in BEARER_RULES),
        MethodNotAllowed(METHODS),
        InvalidQuery({"hours": [schema.error_messages["unknown"]]}),
        MetricsError(),
        MetricsBusy(),
        MetricsUnavailable(),
        MetricsTimeout(),
    ]
    return [*errors, ExtraMissing(endpoint.extra)] if endpoint.extra else errors


def _response(
    answers: Sequence[Example], errors: Sequence[HTTPException], mounted: Mounted
) -> dict[str, Any]:
    """Return the answers and the errors of one status."""
    problems = [ProblemSchema().dump(problem_of(error, REQUEST_ID)) for error in errors]
    described = [f"`{problem['code']}`: {problem['detail']}" for problem in problems]
    content = {answer.mimetype: _media_type(answer) for answer in answers}
    names = ["Cache-Control", "X-Content-Type-Options", *(["Vary"] if len(answers) > 1 else [])]
    names += (name for error in errors for name, _ in own_headers(error))
    return {
        "description": "\n\n".join((["The answer."] if answers else []) + described),
        "headers": {mounted.settings.request_id_header: REQUEST_ID_KEY} | {n: n for n in names},
        "content": content | ({PROBLEM: _problem_media_type(problems)} if problems else {}),
    }


def _media_type(answer: Example) -> dict[str, Any]:
    if answer.schema is None:
        return {"schema": {"type": "string"}, "example": answer.value}
    return {"schema": answer.schema, "example": answer.schema().dump(answer.value)}


def _problem_media_type(problems: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return problems of one status: they share their members, and differ in their codes."""
    codes = [problem["code"] for problem in problems]
    status = {"type": "integer", "enum": [problems[0]["status"]]}
    members = {"status": status, "code": {"type": "string", "enum": codes}}
    own = {"type": "object", "properties": members, "required": list(problems[0])}
    examples = {code: {"value": problem} for code, problem in zip(codes, problems, strict=True)}
    return {"schema": {"allOf": [ProblemSchema, own]}, "examples": examples}
