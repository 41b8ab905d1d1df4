"""What goes in and out over HTTP: the query, the snapshot, a problem."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, fields, validate

UTC_SECONDS = "%Y-%m-%dT%H:%M:%SZ"


class QueryInteger(fields.Integer):
    """A whole number in ASCII digits, out of the list of values that a query string gives for one
    parameter.
    """

    default_error_messages = {  # noqa: RUF012 - marshmallow declares it so
        "digits": "Must be a whole number in ASCII digits.",
        "twice": "Must be given once.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if len(value) > 1:
            raise self.make_error("twice")
        if not re.fullmatch("[0-9]+", value[0]):
            raise self.make_error("digits")
        return super()._deserialize(value[0], attr, data, **kwargs)


class QuerySchema(Schema):
    """The snapshot's query, as lists of values by parameter; `with_limits` makes an app's own."""

    error_messages = {  # noqa: RUF012 - marshmallow declares it so
        "unknown": "Unknown parameter; there is only: minutes."
    }

    @classmethod
    def with_limits(cls, default_minutes: int, max_minutes: int) -> Schema:
        """The schema whose `minutes` are 1 to `max_minutes`, and `default_minutes` where they are
        left out.
        """
        minutes = QueryInteger(
            load_default=default_minutes, validate=validate.Range(1, max_minutes)
        )
        return cls.from_dict({"minutes": minutes}, name="SnapshotQuerySchema")()


class WindowSchema(Schema):
    """A `Window`."""

    minutes = fields.Integer()
    start = fields.DateTime(UTC_SECONDS, data_key="from")
    end = fields.DateTime(UTC_SECONDS, data_key="to")


class TaskCountsSchema(Schema):
    """`TaskCounts`."""

    created = fields.Integer()
    completed = fields.Integer()
    failed = fields.Integer()
    cancelled = fields.Integer()
    processing = fields.Integer()
    queued = fields.Integer()


class BacklogCountSchema(Schema):
    """A `BacklogCount`."""

    count = fields.Integer()
    oldest_age_seconds = fields.Integer(data_key="oldestAgeSeconds")


class BacklogSchema(Schema):
    """A `Backlog`."""

    queued = fields.Nested(BacklogCountSchema)
    processing = fields.Nested(BacklogCountSchema)


class LatencyStatsSchema(Schema):
    """`LatencyStats`."""

    p50 = fields.Integer()
    p95 = fields.Integer()
    p99 = fields.Integer()
    max = fields.Integer()
    avg = fields.Integer()
    samples = fields.Integer()


class LatencySchema(Schema):
    """A `Latency`."""

    time_to_processing_ms = fields.Nested(LatencyStatsSchema, data_key="timeToProcessingMs")
    time_to_complete_ms = fields.Nested(LatencyStatsSchema, data_key="timeToCompleteMs")
    end_to_end_ms = fields.Nested(LatencyStatsSchema, data_key="endToEndMs")


class ErrorSampleSchema(Schema):
    """An `ErrorSample`."""

    task_id = fields.String(data_key="taskId")
    request_id = fields.String(data_key="requestId")


class ErrorCountSchema(Schema):
    """An `ErrorCount`."""

    code = fields.String()
    count = fields.Integer()
    last_seen_at = fields.DateTime(UTC_SECONDS, data_key="lastSeenAt")
    sample = fields.Nested(ErrorSampleSchema)


class SnapshotSchema(Schema):
    """A snapshot and the id of the request that asked for it; the keys come in this order."""

    window = fields.Nested(WindowSchema)
    request_id = fields.String(data_key="requestId")
    tasks = fields.Nested(TaskCountsSchema)
    backlog = fields.Nested(BacklogSchema)
    latency = fields.Nested(LatencySchema)
    top_errors = fields.List(fields.Nested(ErrorCountSchema), data_key="topErrors")


class ProblemSchema(Schema):
    """An error as RFC 9457 has it, and `code`, `requestId` and (of a query) `errors`."""

    type = fields.Constant("about:blank")
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String()
    request_id = fields.String(data_key="requestId")
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
