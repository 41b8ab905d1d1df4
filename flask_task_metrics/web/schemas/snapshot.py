"""A snapshot, and its groups."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, fields, post_dump, validate

from flask_task_metrics.figures import STATES, Group

from .answer import AnswerSchema, Count, Moment, RequestId, SparseSchema, WindowSchema


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
    `previous` in a comparison, and `groups`, `otherGroups` and `groupCount` in a
    breakdown. Figures that the source does not record are null.
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
