"""The judgement of a check."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from flask_task_metrics.figures import READINGS, SEVERITY, STATES

from .answer import AnswerSchema, RequestId, WindowSchema

THRESHOLD: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string", "enum": list(STATES)}},
        {"type": "null"},
    ]
}
"""A range, or a list of states."""


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
