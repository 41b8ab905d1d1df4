"""The course of time."""

from __future__ import annotations

from marshmallow import fields, validate

from .answer import AnswerSchema, Count, Moment, RequestId, SparseSchema, WindowSchema


class LatencyPercentilesSchema(AnswerSchema):
    """Milliseconds of the tasks completed in a step; null without samples."""

    p50 = Count(allow_none=True)
    p95 = Count(allow_none=True)
    p99 = Count(allow_none=True)
    samples = Count()


class SeriesPointSchema(SparseSchema):
    """Tasks that were created, started and ended in the step that begins at `at`. It is `partial`
    if the window holds only a part of it. Figures that the source does not record are null.
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
