"""The fields and keys that all answers share."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from marshmallow import Schema, fields, post_dump, validate

from flask_task_metrics.web.request_id import VALID

UTC_SECONDS = "%Y-%m-%dT%H:%M:%SZ"

Moment = partial(fields.DateTime, UTC_SECONDS)

Count = partial(fields.Integer, validate=validate.Range(min=0))

RequestId = partial(fields.String, data_key="requestId", metadata={"pattern": f"^{VALID.pattern}$"})


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
