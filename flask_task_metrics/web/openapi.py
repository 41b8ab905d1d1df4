"""The OpenAPI document of the endpoints of a mounted app. Needs the extra `openapi`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin, OpenAPIConverter
from marshmallow import Schema, fields
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
from .blueprint import ENDPOINTS, Endpoint
from .examples import REQUEST_ID, Example
from .problems import PROBLEM, own_headers, problem_of
from .query import DimensionValues, query_schema
from .request_id import VALID
from .schemas import ProblemSchema

NAME = "flask-task-metrics"

MOMENT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"

METHODS = ("GET", "HEAD", "OPTIONS")

SECURITY_SCHEMES = {
    "adminSecret": {"type": "apiKey", "in": "header", "name": HEADER},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The admin secret as a token."},
}

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


class Converter(OpenAPIConverter):
    """From schemas and fields to JSON Schema, with what apispec leaves out."""

    def schema2jsonschema(self, schema: Schema) -> dict[str, Any]:
        """Return an object, described by the docstring of its schema."""
        described = {"description": _paragraphs(type(schema))[0]}
        return described | super().schema2jsonschema(schema)

    def field2property(self, field: fields.Field[Any]) -> dict[str, Any]:
        """Return a property with its format, and a dimension with its values."""
        found: dict[str, Any] = super().field2property(field)
        if isinstance(field, fields.DateTime):
            return found | {"format": "date-time", "pattern": MOMENT}
        if isinstance(field, fields.Integer):
            return found | {"format": "int64"}
        return found | (field.dimension.json_schema if isinstance(field, DimensionValues) else {})


class Plugin(MarshmallowPlugin):
    """apispec's plugin with this converter."""

    Converter = Converter


def openapi_document(mounted: Mounted) -> dict[str, Any]:
    """Return the document of an app's endpoints."""
    plugin = Plugin()
    info = {"description": "How the tasks of a backend are doing: exact figures from its table."}
    spec = APISpec(NAME, version(NAME), "3.1.0", info=info, plugins=[plugin])
    for name, scheme in SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    for name, header in HEADERS.items():
        spec.components.header(name, {"required": True} | header)
    for endpoint in ENDPOINTS:
        path = f"{mounted.settings.url_prefix}{endpoint.rule}"
        spec.path(path, operations={"get": _operation(endpoint, mounted, plugin)})
    return spec.to_dict()


def _operation(endpoint: Endpoint, mounted: Mounted, plugin: Plugin) -> dict[str, Any]:
    summary, *description = _paragraphs(endpoint.view)
    secrets = ["adminSecret", *(["bearer"] if endpoint.rule in BEARER_RULES else [])]
    return {
        "operationId": endpoint.view.__name__,
        "summary": summary,
        "description": "\n\n".join(description),
        "security": [{name: []} for name in secrets],
        "parameters": [
            *_query_parameters(endpoint, mounted, plugin),
            *_header_parameters(endpoint, mounted),
        ],
        "responses": _responses(endpoint, mounted),
    }


def _paragraphs(documented: object) -> list[str]:
    """Return the paragraphs of a docstring, each on one line."""
    return [" ".join(text.split()) for text in str(inspect.getdoc(documented)).split("\n\n")]


def _query_parameters(endpoint: Endpoint, mounted: Mounted, plugin: Plugin) -> list[dict[str, Any]]:
    """Return the parameters of all sources. A parameter of some of them alone names these."""
    found: dict[str, dict[str, Any]] = {}
    takers: dict[str, list[str]] = {}
    for source, reader in mounted.readers.items():
        schema = query_schema(endpoint.parameters(mounted, reader.source))
        for parameter in plugin.converter.schema2parameters(schema, location="query"):
            name = parameter["name"]
            takers.setdefault(name, []).append(str(source))
            known = found.setdefault(name, parameter)
            if known["schema"] != parameter["schema"]:
                known["schema"] = {"anyOf": [known["schema"], parameter["schema"]]}
    for name, sources in takers.items():
        if len(sources) < len(mounted.readers):
            found[name]["description"] += f" Only with the source {' or '.join(sources)}."
    return list(found.values())


def _header_parameters(endpoint: Endpoint, mounted: Mounted) -> list[dict[str, Any]]:
    headers = dict(endpoint.headers)
    # Otherwise the host's own function gives the id.
    if mounted.request_id_of is None:
        headers[mounted.settings.request_id_header] = (
            "The id of the request, 1 to 128 characters of `[A-Za-z0-9._-]`. Without a valid one, "
            "the request gets a new id."
        )
    return [
        {"in": "header", "name": name, "description": description, "schema": {"type": "string"}}
        for name, description in headers.items()
    ]


def _responses(endpoint: Endpoint, mounted: Mounted) -> dict[str, Any]:
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
