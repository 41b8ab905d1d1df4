"""The JSON of the API: a new task, a page query, a task, a page of tasks."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from .rendering import ENGINES

UTC_SECONDS = "%Y-%m-%dT%H:%M:%SZ"


class NewTaskSchema(Schema):
    """The body of a request that creates a task."""

    engine = fields.String(required=True, validate=validate.OneOf(ENGINES))
    prompt = fields.String(
        required=True,
        validate=[
            validate.Length(1, 2000),
            # PostgreSQL refuses NUL, and UTF-8 can't encode lone surrogates.
            validate.Regexp(
                r"[^\x00\ud800-\udfff]*\Z", error="Must not hold NUL or lone surrogates."
            ),
        ],
    )


class PageQuerySchema(Schema):
    """The query string of a request for a page of tasks."""

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
    """A page of tasks, and the number of all tasks."""

    items = fields.List(fields.Nested(TaskSchema))
    page = fields.Integer()
    per_page = fields.Integer(data_key="perPage")
    total = fields.Integer()
