"""`GET /metrics-dashboard/sources`: the choices that the page offers once it has the secret."""

from __future__ import annotations

from flask import Response, request
from marshmallow import Schema, fields

from flask_task_metrics.mounted import current_mounted
from flask_task_metrics.web.auth import admin_secret_required
from flask_task_metrics.web.problems import json_response
from flask_task_metrics.web.query import load_query
from flask_task_metrics.web.request_id import current_request_id


class MinutesSchema(Schema):
    """The window of a request that names none, and the longest one."""

    default = fields.Integer()
    max = fields.Integer()


class SourceSchema(Schema):
    """A source: its name, null if there is only one, and the names of its dimensions."""

    name = fields.String()
    dimensions = fields.List(fields.String())


class SourcesSchema(Schema):
    """All sources, the default one first, and the windows to choose from."""

    request_id = fields.String(data_key="requestId")
    minutes = fields.Nested(MinutesSchema)
    sources = fields.List(fields.Nested(SourceSchema))


@admin_secret_required
def dashboard_sources() -> Response:
    """Answer with the sources and their dimensions, without reading the database."""
    load_query(request.args, {})
    mounted = current_mounted()
    settings = mounted.settings
    sources = [
        {"name": name if mounted.choices else None, "dimensions": reader.source.dimensions}
        for name, reader in mounted.readers.items()
    ]
    minutes = {"default": settings.default_minutes, "max": settings.max_minutes}
    answer = {"request_id": current_request_id(), "minutes": minutes, "sources": sources}
    return json_response(SourcesSchema().dumps(answer, indent=2, ensure_ascii=False))
