"""The JSON of an answer: a snapshot, a series or a problem. The OpenAPI document shows it."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from marshmallow import INCLUDE, Schema, fields, post_dump, validate

from flask_task_metrics.figures import READINGS, SEVERITY, STATES, Group

from .request_id import VALID

UTC_SECONDS = "%Y-%m-%dT%H:%M:%SZ"

Moment = partial(fields.DateTime, UTC_SECONDS)

Count = partial(fields.Integer, validate=validate.Range(min=0))

RequestId = partial(fields.String, data_key="requestId", metadata={"pattern": f"^{VALID.pattern}$"})

THRESHOLD: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string", "enum": list(STATES)}},
        {"type": "null"},
    ]
}
"""A range, or a list of states."""


class AnswerSchema(Schema):
    """An object that has every key, but for the `optional` ones."""

    optional: ClassVar[frozenset[str]] = frozenset()

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Mark a field as required unless its key is optional."""
        field_obj.required = (field_obj.data_key or field_name) not in self.optional


class SparseSchema(AnswerSchema):
    """An object without those of its `optional` keys that are None or false."""

    @post_dump
    def without_absent(self, answer: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Leave out the absent keys."""
        absent = self.absent_keys(answer)
        return {key: value for key, value in answer.items() if key not in absent}

    def absent_keys(self, answer: dict[str, Any]) -> set[str]:
        """Return the optional keys that are None or false."""
        values = {key: answer.get(key) for key in self.optional}
        return {key for key, value in values.items() if value is None or value is False}


class WindowSchema(AnswerSchema):
    """The time span that the figures speak of."""

    minutes = fields.Integer(validate=validate.Range(min=1))
    start = Moment(data_key="from")
    end = Moment(data_key="to")


class TaskCountsSchema(AnswerSchema):
    """Tasks created in the window, and tasks of each status that were updated in it. `created` is
    null if the source does not record it.
    """

    created = Count(allow_none=True)
    completed = Count()
    failed = Count()
    cancelled = Count()
    processing = Count()
    queued = Count()


class TaskReferenceSchema(AnswerSchema):
    """A task, and the id of the request that created it if the task has one."""

    task_id = fields.String(data_key="taskId")
    request_id = fields.String(data_key="requestId", allow_none=True)


class BacklogCountSchema(AnswerSchema):
    """Tasks that have this status now, however old, and the one that began to wait or to run first.
    Its age is below 0 if a clock runs ahead.
    """

    count = Count()
    oldest_age_seconds = fields.Integer(data_key="oldestAgeSeconds", allow_none=True)
    oldest = fields.Nested(TaskReferenceSchema, allow_none=True)


class ScheduledCountSchema(AnswerSchema):
    """Queued tasks that are due later."""

    count = Count()


class BacklogSchema(SparseSchema):
    """Tasks that wait and tasks that run now, whatever the window. There is no `scheduled` if the
    source has no `due_at`.
    """

    optional = frozenset({"scheduled"})

    queued = fields.Nested(BacklogCountSchema)
    processing = fields.Nested(BacklogCountSchema)
    scheduled = fields.Nested(ScheduledCountSchema)


class LatencyStatsSchema(AnswerSchema):
    """Milliseconds of the tasks completed in the window; null without samples."""

    p50 = Count(allow_none=True)
    p95 = Count(allow_none=True)
    p99 = Count(allow_none=True)
    max = Count(allow_none=True)
    avg = Count(allow_none=True)
    samples = Count()


class LatencySchema(AnswerSchema):
    """Waiting time, running time and total time; null if the source does not record it."""

    time_to_processing_ms = fields.Nested(
        LatencyStatsSchema, data_key="timeToProcessingMs", allow_none=True
    )
    time_to_complete_ms = fields.Nested(
        LatencyStatsSchema, data_key="timeToCompleteMs", allow_none=True
    )
    end_to_end_ms = fields.Nested(LatencyStatsSchema, data_key="endToEndMs", allow_none=True)


class ErrorCountSchema(SparseSchema):
    """Failures with one error code in the window, and the latest one. A comparison adds how often
    the code struck in the window before, and when it first struck in either.
    """

    optional = frozenset({"previousCount", "firstSeenAt"})

    code = fields.String()
    count = Count()
    last_seen_at = Moment(data_key="lastSeenAt")
    sample = fields.Nested(TaskReferenceSchema)
    previous_count = Count(data_key="previousCount")
    first_seen_at = Moment(data_key="firstSeenAt")


class PreviousFiguresSchema(AnswerSchema):
    """Figures of the window before, of the same length, as its tasks are now."""

    created = Count(allow_none=True)
    completed = Count()
    failed = Count()
    cancelled = Count()
    latency = fields.Nested(LatencySchema)


class OtherGroupsSchema(AnswerSchema):
    """Figures of the groups that are not listed, together."""

    tasks = fields.Nested(TaskCountsSchema)
    backlog = fields.Nested(BacklogSchema)
    latency = fields.Nested(LatencySchema)
    top_errors = fields.List(fields.Nested(ErrorCountSchema), data_key="topErrors", allow_none=True)


class GroupSchema(OtherGroupsSchema):
    """Figures of the tasks with one value of a dimension. The first key is the dimension's name."""

    class Meta:
        """The name of the dimension is a key too."""

        unknown = INCLUDE

    @post_dump(pass_original=True)
    def with_value(self, figures: dict[str, Any], group: Group, **options: Any) -> dict[str, Any]:
        """Put the value first."""
        return {group.dimension: group.value, **figures}


class SnapshotSchema(SparseSchema):
    """All figures of one window, in this order. There is a `source` if there are several,
    `previous` in a comparison, and `groups`, `otherGroups` and `groupCount` in a breakdown. What
    the source does not record is null.
    """

    optional = frozenset({"source", "previous", "groups", "otherGroups", "groupCount"})

    window = fields.Nested(WindowSchema)
    request_id = RequestId()
    source = fields.String()
    state = fields.String(allow_none=True, validate=validate.OneOf(STATES))
    reason = fields.String(allow_none=True)
    tasks = fields.Nested(TaskCountsSchema)
    backlog = fields.Nested(BacklogSchema)
    latency = fields.Nested(LatencySchema)
    top_errors = fields.List(fields.Nested(ErrorCountSchema), data_key="topErrors", allow_none=True)
    previous = fields.Nested(PreviousFiguresSchema)
    groups = fields.List(fields.Nested(GroupSchema))
    other_groups = fields.Nested(OtherGroupsSchema, data_key="otherGroups", allow_none=True)
    group_count = Count(data_key="groupCount")

    def absent_keys(self, answer: dict[str, Any]) -> set[str]:
        """Keep `otherGroups` in a breakdown: null means that all groups are listed."""
        absent = super().absent_keys(answer)
        return absent if "groups" in absent else absent - {"otherGroups"}


class VerdictSchema(AnswerSchema):
    """The judgement of one figure by its condition. Times are in seconds. `value` is null if there
    is no data, and so is a limit that is not set.
    """

    name = fields.String(attribute="condition.name", validate=validate.OneOf(tuple(READINGS)))
    status = fields.String(validate=validate.OneOf(SEVERITY))
    value = fields.Raw(metadata={"type": ["number", "string", "null"]})
    warn = fields.Raw(attribute="condition.warn.shown", dump_default=None, metadata=THRESHOLD)
    crit = fields.Raw(attribute="condition.crit.shown", dump_default=None, metadata=THRESHOLD)
    text = fields.String()


class CheckSchema(AnswerSchema):
    """A verdict on each condition, and the worst status of all. There is a `source` if there are
    several.
    """

    optional = frozenset({"source"})

    window = fields.Nested(WindowSchema)
    request_id = RequestId()
    source = fields.String()
    status = fields.String(validate=validate.OneOf(SEVERITY))
    verdicts = fields.List(fields.Nested(VerdictSchema), data_key="checks")


class LatencyPercentilesSchema(AnswerSchema):
    """Milliseconds of the tasks completed in a step; null without samples."""

    p50 = Count(allow_none=True)
    p95 = Count(allow_none=True)
    p99 = Count(allow_none=True)
    samples = Count()


class SeriesPointSchema(SparseSchema):
    """Tasks that were created, started and ended in the step that begins at `at`. It is `partial`
    if the window holds only a part of it. What the source does not record is null.
    """

    optional = frozenset({"partial"})

    at = Moment()
    # A schema has a `partial` of its own.
    is_partial = fields.Boolean(attribute="partial", data_key="partial", metadata={"enum": [True]})
    created = Count(allow_none=True)
    started = Count(allow_none=True)
    completed = Count()
    failed = Count()
    cancelled = Count()
    time_to_processing_ms = fields.Nested(
        LatencyPercentilesSchema, data_key="timeToProcessingMs", allow_none=True
    )
    time_to_complete_ms = fields.Nested(
        LatencyPercentilesSchema, data_key="timeToCompleteMs", allow_none=True
    )
    end_to_end_ms = fields.Nested(LatencyPercentilesSchema, data_key="endToEndMs", allow_none=True)


class SeriesSchema(AnswerSchema):
    """A window in steps of `stepSeconds`: one point each, without gaps. There is a `source` if
    there are several.
    """

    optional = frozenset({"source"})

    window = fields.Nested(WindowSchema)
    request_id = RequestId()
    source = fields.String()
    step_seconds = fields.Integer(data_key="stepSeconds", validate=validate.Range(min=1))
    points = fields.List(fields.Nested(SeriesPointSchema))


class ProblemSchema(AnswerSchema):
    """A problem (RFC 9457). `errors` maps each parameter of an invalid query to its messages."""

    optional = frozenset({"errors"})

    type = fields.Constant("about:blank", metadata={"type": "string", "enum": ["about:blank"]})
    title = fields.String()
    status = fields.Integer(validate=validate.Range(400, 599))
    detail = fields.String()
    code = fields.String()
    request_id = RequestId()
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
