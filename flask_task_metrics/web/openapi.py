"""The OpenAPI document of the endpoints of a mounted app. Needs the extra `openapi`."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from flask_task_metrics.mounted import Mounted

from .auth import BEARER_RULES, HEADER
from .blueprint import ENDPOINTS, Endpoint
from .openapi_responses import Responses
from .query import DimensionValues, query_schema

NAME = "flask-task-metrics"

MOMENT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"

SECURITY_SCHEMES = {
    "adminSecret": {"type": "apiKey", "in": "header", "name": HEADER},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The admin secret as a token."},
}


class Converter(OpenAPIConverter):
    """Convert schemas and fields to JSON Schema, with the details that apispec leaves out."""

    def schema2jsonschema(self, schema: Schema) -> dict[str, Any]:
        """Return an object without other keys, described by the docstring of its schema."""
        found: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]  # apispec has no type here
        described = {"description": _paragraphs(type(schema))[0], "additionalProperties": False}
        return described | found

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

    def query_parameters(self, schema: Schema) -> list[dict[str, Any]]:
        """Return the parameters of a query string."""
        converter: Any = self.converter
        parameters: list[dict[str, Any]] = converter.schema2parameters(schema, location="query")
        return parameters


def openapi_document(mounted: Mounted) -> dict[str, Any]:
    """Return the document of an app's endpoints."""
    plugin = Plugin()
    info = {"description": "How the tasks of a backend are doing: exact figures from its table."}
    spec = APISpec(NAME, version(NAME), "3.1.0", info=info, plugins=[plugin])
    for name, scheme in SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    responses = Responses.within(spec.components, mounted)
    for endpoint in ENDPOINTS:
        path = f"{mounted.settings.url_prefix}{endpoint.rule}"
        operation = _operation(endpoint, mounted, plugin) | {"responses": responses.of(endpoint)}
        spec.path(path, operations={"get": operation})
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
        for parameter in plugin.query_parameters(schema):
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
