"""The JSON of an answer: a snapshot, a series or a problem."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_dump

UTC_SECONDS = "%Y-%m-%dT%H:%M:%SZ"


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


class TaskReferenceSchema(Schema):
    """A `TaskReference`."""

    task_id = fields.String(data_key="taskId")
    request_id = fields.String(data_key="requestId")


class BacklogCountSchema(Schema):
    """A `BacklogCount`."""

    count = fields.Integer()
    oldest_age_seconds = fields.Integer(data_key="oldestAgeSeconds")
    oldest = fields.Nested(TaskReferenceSchema)


class ScheduledCountSchema(Schema):
    """A `ScheduledCount`."""

    count = fields.Integer()


class BacklogSchema(Schema):
    """A `Backlog`, without `scheduled` if the source has no `due_at`."""

    queued = fields.Nested(BacklogCountSchema)
    processing = fields.Nested(BacklogCountSchema)
    scheduled = fields.Nested(ScheduledCountSchema)

    @post_dump
    def without_scheduled(self, backlog: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Leave out `scheduled` if it is None."""
        return {name: count for name, count in backlog.items() if count is not None}


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


class ErrorCountSchema(Schema):
    """An `ErrorCount`."""

    code = fields.String()
    count = fields.Integer()
    last_seen_at = fields.DateTime(UTC_SECONDS, data_key="lastSeenAt")
    sample = fields.Nested(TaskReferenceSchema)
    previous_count = fields.Integer(data_key="previousCount")
    first_seen_at = fields.DateTime(UTC_SECONDS, data_key="firstSeenAt")

    @post_dump
    def without_comparison(self, error: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Leave out the keys of a comparison if there is none."""
        return {name: value for name, value in error.items() if value is not None}


class PreviousFiguresSchema(Schema):
    """`PreviousFigures`."""

    created = fields.Integer()
    completed = fields.Integer()
    failed = fields.Integer()
    cancelled = fields.Integer()
    latency = fields.Nested(LatencySchema)


class SnapshotSchema(Schema):
    """A `Snapshot`, the id of the request that asked for it and the name of one of several sources,
    with its keys in this order.
    """

    window = fields.Nested(WindowSchema)
    request_id = fields.String(data_key="requestId")
    source = fields.String()
    state = fields.String()
    reason = fields.String()
    tasks = fields.Nested(TaskCountsSchema)
    backlog = fields.Nested(BacklogSchema)
    latency = fields.Nested(LatencySchema)
    top_errors = fields.List(fields.Nested(ErrorCountSchema), data_key="topErrors")
    previous = fields.Nested(PreviousFiguresSchema)

    @post_dump
    def without_previous(self, snapshot: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Leave out `previous` if there is no comparison."""
        absent = {"previous"} if snapshot["previous"] is None else set()
        return {name: value for name, value in snapshot.items() if name not in absent}


class VerdictSchema(Schema):
    """A `Verdict`, with the ranges of its condition; one that was not given is null."""

    name = fields.String(attribute="condition.name")
    status = fields.String()
    value = fields.Raw()
    warn = fields.Raw(attribute="condition.warn.shown", dump_default=None)
    crit = fields.Raw(attribute="condition.crit.shown", dump_default=None)
    text = fields.String()


class CheckSchema(Schema):
    """A `Judgement` with the window and the request, and the name of one of several sources."""

    window = fields.Nested(WindowSchema)
    request_id = fields.String(data_key="requestId")
    source = fields.String()
    status = fields.String()
    verdicts = fields.List(fields.Nested(VerdictSchema), data_key="checks")


class LatencyPercentilesSchema(Schema):
    """`LatencyPercentiles`."""

    p50 = fields.Integer()
    p95 = fields.Integer()
    p99 = fields.Integer()
    samples = fields.Integer()


class SeriesPointSchema(Schema):
    """A `SeriesPoint`, with `partial` only if it is true."""

    at = fields.DateTime(UTC_SECONDS)
    # A schema has a `partial` of its own.
    is_partial = fields.Boolean(attribute="partial", data_key="partial")
    created = fields.Integer()
    started = fields.Integer()
    completed = fields.Integer()
    failed = fields.Integer()
    cancelled = fields.Integer()
    time_to_processing_ms = fields.Nested(LatencyPercentilesSchema, data_key="timeToProcessingMs")
    time_to_complete_ms = fields.Nested(LatencyPercentilesSchema, data_key="timeToCompleteMs")
    end_to_end_ms = fields.Nested(LatencyPercentilesSchema, data_key="endToEndMs")

    @post_dump
    def without_partial(self, point: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Leave out `partial` if it is false."""
        return {name: value for name, value in point.items() if value is not False}


class SeriesSchema(Schema):
    """A `Series`, the id of the request that asked for it and the name of one of several sources,
    with its keys in this order.
    """

    window = fields.Nested(WindowSchema)
    request_id = fields.String(data_key="requestId")
    source = fields.String()
    step_seconds = fields.Integer(data_key="stepSeconds")
    points = fields.List(fields.Nested(SeriesPointSchema))


class ProblemSchema(Schema):
    """An RFC 9457 problem with `code`, `requestId` and, for an invalid query, `errors`."""

    type = fields.Constant("about:blank")
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String()
    request_id = fields.String(data_key="requestId")
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
