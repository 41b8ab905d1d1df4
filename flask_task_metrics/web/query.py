"""The query string, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.datastructures import MultiDict

from flask_task_metrics.exceptions import InvalidFilterError, InvalidQuery
from flask_task_metrics.figures import MOST_POINTS
from flask_task_metrics.mounted import Mounted
from flask_task_metrics.reader import COMPARISONS
from flask_task_metrics.source import MOST_CHARACTERS, MOST_VALUES, Dimension, TaskSource

Parameters: TypeAlias = "dict[str, fields.Field[Any]]"
"""The parameters of a query by name."""

FILTER = (
    f"Select the tasks that have one of these values, at most {MOST_VALUES} different ones of "
    f"{MOST_CHARACTERS} characters together. Empty stands for null."
)


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
        super().__init__(metadata={"description": FILTER})
        self.dimension = dimension

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return self.dimension.of_texts(value)
        except InvalidFilterError as error:
            raise ValidationError(f"Must be {error.expected}.") from None


def _only(values: list[str]) -> str:
    if len(values) > 1:
        raise ValidationError("Must be given once.")
    return values[0]


def query_schema(parameters: Parameters) -> Schema:
    """Return a schema of parameters, which refuses others by naming these."""
    schema: Schema = Schema.from_dict(dict(parameters), name="QuerySchema")()
    verb = "are" if len(parameters) > 1 else "is"
    known = f"{verb} only: {', '.join(parameters)}" if parameters else "is none"
    schema.error_messages["unknown"] = f"Unknown parameter; there {known}."
    return schema


def load_query(args: MultiDict[str, str], parameters: Parameters) -> dict[str, Any]:
    """Return the checked value of each parameter; raise `InvalidQuery` for an invalid query."""
    try:
        query: dict[str, Any] = query_schema(parameters).load(args.to_dict(flat=False))
    except ValidationError as error:
        raise InvalidQuery(error.messages_dict) from None
    return query


def named_source(query: Mapping[str, Any]) -> dict[str, str]:
    """Return `source` if there are several: the log line and the answer name it then."""
    return {"source": query["source"]} if "source" in query else {}


def filter_in(query: Mapping[str, Any], source: TaskSource) -> dict[str, Any]:
    """Return the values of the dimensions that a query filters by."""
    return {name: query[name] for name in source.dimensions if name in query}


def source_asked_for(mounted: Mounted, args: MultiDict[str, str]) -> TaskSource:
    """Return the source whose parameters an unchecked query may have."""
    named = args.get("source")
    return mounted.reader_of(named if named in mounted.choices else None).source


def snapshot_parameters(mounted: Mounted, source: TaskSource) -> Parameters:
    """Return the parameters of the snapshot of a source."""
    compare = QueryString(
        validate=validate.OneOf(COMPARISONS),
        metadata={"description": "Add the figures of the window before."},
    )
    own: Parameters = {"compare": compare}
    if source.dimensions:
        own["groupBy"] = QueryString(
            validate=validate.OneOf(source.dimensions),
            metadata={"description": "Add the figures of each value of a dimension."},
        )
    return window_parameters(mounted, source) | own | dimension_parameters(source)


def series_parameters(mounted: Mounted, source: TaskSource) -> Parameters:
    """Return the parameters of the course of time of a source."""
    points = QueryInteger(
        load_default=60,
        validate=validate.Range(1, MOST_POINTS),
        metadata={
            "description": "The most steps of time. There is one more if the window begins within "
            "a step."
        },
    )
    return window_parameters(mounted, source) | {"points": points} | dimension_parameters(source)


def window_parameters(mounted: Mounted, source: TaskSource) -> Parameters:
    """Return the parameters of every form of the figures: `minutes`, and `source` if there are
    several.
    """
    settings, choices = mounted.settings, mounted.choices
    parameters: Parameters = {
        "minutes": QueryInteger(
            load_default=settings.default_minutes,
            validate=validate.Range(1, settings.max_minutes),
            metadata={"description": "The length of the window, which ends now."},
        )
    }
    if choices:
        parameters["source"] = QueryString(
            load_default=choices[0],
            validate=validate.OneOf(choices),
            metadata={"description": "One of several task tables."},
        )
    return parameters


def dimension_parameters(source: TaskSource) -> Parameters:
    """Return a parameter for each dimension of a source."""
    return {name: DimensionValues(dimension) for name, dimension in source.dimensions.items()}


def no_parameters(mounted: Mounted, source: TaskSource) -> Parameters:
    """Return that there are none."""
    return {}
