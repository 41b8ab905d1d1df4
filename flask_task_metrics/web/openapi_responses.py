"""The responses of the OpenAPI document: answers and errors, their headers and examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apispec.core import Components
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


@dataclass(frozen=True)
class Responses:
    """The responses of an app's endpoints, and the components of the document that they share."""

    mounted: Mounted
    components: Components

    @classmethod
    def within(cls, components: Components, mounted: Mounted) -> Responses:
        """Add the components that all responses share."""
        components.schema("Problem", schema=ProblemSchema)
        for name, header in HEADERS.items():
            components.header(name, {"required": True} | header)
        return cls(mounted, components)

    def of(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return the responses of an endpoint by status."""
        errors: dict[int, list[HTTPException]] = {}
        for error in self._errors(endpoint):
            errors.setdefault(error.code or 500, []).append(error)
        return {
            str(status): self._response(endpoint.answers.get(status, ()), errors.get(status, []))
            for status in sorted(endpoint.answers.keys() | errors.keys())
        }

    def _errors(self, endpoint: Endpoint) -> list[HTTPException]:
        """Return an example of every error of an endpoint."""
        source = self.mounted.reader_of(None).source
        schema = query_schema(endpoint.parameters(self.mounted, source))
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
        self, answers: Sequence[Example], errors: Sequence[HTTPException]
    ) -> dict[str, Any]:
        """Return the answers and the errors of one status."""
        problems = [ProblemSchema().dump(problem_of(error, REQUEST_ID)) for error in errors]
        described = [f"`{problem['code']}`: {problem['detail']}" for problem in problems]
        content = {answer.mimetype: _media_type(answer) for answer in answers}
        names = ["Cache-Control", "X-Content-Type-Options", *(["Vary"] if len(answers) > 1 else [])]
        names += (name for error in errors for name, _ in own_headers(error))
        request_id = {self.mounted.settings.request_id_header: REQUEST_ID_KEY}
        return {
            "description": "\n\n".join((["The answer."] if answers else []) + described),
            "headers": request_id | {name: name for name in names},
            "content": content | ({PROBLEM: self._media_type_of(problems)} if problems else {}),
        }

    def _media_type_of(self, problems: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the problems of one status, which differ in their codes."""
        status, required = problems[0]["status"], list(problems[0])
        examples = {problem["code"]: {"value": problem} for problem in problems}
        name = f"Problem{status}"
        if name not in self.components.schemas:
            code = {"type": "string", "enum": list(examples)}
            members = {"status": {"type": "integer", "enum": [status]}, "code": code}
            own = {"type": "object", "properties": members, "required": required}
            self.components.schema(name, {"allOf": ["Problem", own]})
        return {"schema": name, "examples": examples}


def _media_type(answer: Example) -> dict[str, Any]:
    if answer.schema is None:
        return {"schema": {"type": "string"}, "example": answer.value}
    return {"schema": answer.schema, "example": answer.schema().dump(answer.value)}
