"""A problem."""

from __future__ import annotations

from marshmallow import fields, validate

from .answer import AnswerSchema, RequestId


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
