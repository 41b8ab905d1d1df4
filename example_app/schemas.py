"""What goes in and out over HTTP: a task to create, a page to list, a task."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from .rendering import ENGINES

UTC_SECONDS = "%Y-%m-%dT%H:%M:%SZ"


class NewTaskSchema(Schema):
    """The body that creates a task."""

    engine = fields.String(required=True, validate=validate.OneOf(ENGINES))
    prompt = fields.String(
        required=True,
        validate=[
            validate.Length(1, 2000),
            # Databases refuse both.
            validate.Regexp(
                r"[^\x00\ud800-\udfff]*\Z", error="Must not hold NUL or lone surrogates."
            ),
        ],
    )


class PageQuerySchema(Schema):
    """The query of a page of tasks."""

    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000))
    per_page = fields.Integer(load_default=20, validate=validate.Range(1, 100), data_key="perPage")


class TaskSchema(Schema):
    """A `VideoTask`."""

    id = fields.Integer()
    status = fields.String()
    engine = fields.String()
    prompt = fields.String()
    created_at = fields.DateTime(UTC_SECONDS, data_key="createdAt")
    processing_at = fields.DateTime(UTC_SECONDS, data_key="processingAt")
    completed_at = fields.DateTime(UTC_SECONDS, data_key="completedAt")
    updated_at = fields.DateTime(UTC_SECONDS, data_key="updatedAt")
    error_message = fields.String(data_key="errorMessage")
    request_id = fields.String(data_key="requestId")


class TaskPageSchema(Schema):
    """A page of tasks, and how many there are in all."""

    items = fields.List(fields.Nested(TaskSchema))
    page = fields.Integer()
    per_page = fields.Integer(data_key="perPage")
    total = fields.Integer()
