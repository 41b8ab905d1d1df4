"""The query string, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.datastructures import MultiDict

from flask_task_metrics.exceptions import InvalidFilterError, InvalidQuery
from flask_task_metrics.figures import MOST_POINTS
from flask_task_metrics.mounted import Mounted
from flask_task_metrics.reader import COMPARISONS
from flask_task_metrics.source import Dimension


class QueryString(fields.String):
    """A text, from the list of values that a query string gives for one parameter."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return super()._deserialize(_only(value), attr, data, **kwargs)


class QueryInteger(fields.Integer):
    """A whole number in ASCII digits, from the list of values that a query string gives for one
    parameter.
    """

    default_error_messages = {  # noqa: RUF012 - marshmallow declares it so
        "digits": "Must be a whole number in ASCII digits."
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        digits = _only(value)
        if not re.fullmatch("[0-9]+", digits):
            raise self.make_error("digits")
        return super()._deserialize(digits, attr, data, **kwargs)


class DimensionValues(fields.Raw):
    """The values of a dimension, from the list of texts that a query string gives for it."""

    def __init__(self, dimension: Dimension) -> None:
        super().__init__()
        self._dimension = dimension

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return self._dimension.of_texts(value)
        except InvalidFilterError as error:
            raise ValidationError(f"Must be {error.expected}.") from None


def _only(values: list[str]) -> str:
    if len(values) > 1:
        raise ValidationError("Must be given once.")
    return values[0]


def load_query(
    args: MultiDict[str, str], parameters: Mapping[str, fields.Field[Any]]
) -> dict[str, Any]:
    """Return the checked value of each parameter; raise `InvalidQuery` for an invalid query."""
    schema = Schema.from_dict(dict(parameters), name="QuerySchema")()
    verb = "are" if len(parameters) > 1 else "is"
    known = f"{verb} only: {', '.join(parameters)}" if parameters else "is none"
    schema.error_messages["unknown"] = f"Unknown parameter; there {known}."
    try:
        query: dict[str, Any] = schema.load(args.to_dict(flat=False))
    except ValidationError as error:
        raise InvalidQuery(error.messages_dict) from None
    return query


def named_source(query: Mapping[str, Any]) -> dict[str, str]:
    """Return `source` if there are several: the log line and the answer name it then."""
    return {"source": query["source"]} if "source" in query else {}


def window_parameters(mounted: Mounted) -> dict[str, fields.Field[Any]]:
    """Return the parameters of every form of the figures: `minutes`, and `source` if there are
    several.
    """
    settings, choices = mounted.settings, mounted.choices
    parameters: dict[str, fields.Field[Any]] = {
        "minutes": QueryInteger(
            load_default=settings.default_minutes, validate=validate.Range(1, settings.max_minutes)
        )
    }
    if choices:
        parameters["source"] = QueryString(
            load_default=choices[0], validate=validate.OneOf(choices)
        )
    return parameters


def comparison_parameter() -> dict[str, fields.Field[Any]]:
    """Return the parameter `compare`: the window to compare with, by default none."""
    return {"compare": QueryString(load_default=None, validate=validate.OneOf(COMPARISONS))}


def points_parameter() -> dict[str, fields.Field[Any]]:
    """Return the parameter of the course of time: `points`."""
    return {"points": QueryInteger(load_default=60, validate=validate.Range(1, MOST_POINTS))}


def dimension_parameters(
    mounted: Mounted, args: MultiDict[str, str]
) -> dict[str, fields.Field[Any]]:
    """Return a parameter for each dimension of the source that a query asks for."""
    named = args.get("source")
    source = mounted.reader_of(named if named in mounted.choices else None).source
    return {name: DimensionValues(dimension) for name, dimension in source.dimensions.items()}
