"""Dimensions: columns that the figures of a source can be filtered and grouped by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.exceptions import ConfigurationError, InvalidFilterError

from .column_types import plain_type
from .columns import Column
from .dimension_values import Boolean, Kind, Label, Text, kind_of

Dimensions: TypeAlias = Sequence[str] | Mapping[str, Column]
"""The names of columns, or a mapping of names to columns or expressions."""

NAME = re.compile("[a-z_][a-z0-9_]*")

TAKEN_NAMES = frozenset(
    [
        *("minutes", "source", "points", "compare"),
        *("tasks", "backlog", "latency"),
        *("status", "stage", "quantile", "code", "state", "version"),
    ]
)
"""The parameters of a query, the keys of a group, and the labels of Prometheus."""

MOST_VALUES = 100
MOST_CHARACTERS = 10_000


@dataclass(frozen=True)
class Dimension:
    """A dimension, and the kind of its values."""

    name: str
    kind: Kind

    @property
    def role(self) -> str:
        """Return the name of its column among those of the mapped tasks."""
        return role_of(self.name)

    @property
    def is_text(self) -> bool:
        """Return whether the database stores texts."""
        return isinstance(self.kind, Text | Label)

    @property
    def is_boolean(self) -> bool:
        """Return whether the values are `true` and `false`."""
        return isinstance(self.kind, Boolean)

    @property
    def stored_type(self) -> sa.types.TypeEngine[Any]:
        """Return the type that reads the values as they are stored, even unknown labels."""
        return sa.Text() if self.is_text else self.kind.bound_type

    @property
    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values that a query string may give.

        It can't tell the bounds, which are those of different values.
        """
        items = {"anyOf": [self.kind.json_schema, {"type": "string", "enum": [""]}]}
        return {"type": "array", "items": items, "minItems": 1}

    def of_texts(self, texts: Iterable[str]) -> tuple[Any, ...]:
        """Return the values that a query string gives; an empty text is null.

        Raises `InvalidFilterError`.
        """
        return self.stored([self.kind.of_text(text) if text else None for text in texts])

    def stored(self, values: object) -> tuple[Any, ...]:
        """Return one value or several as the database stores them, each once and in order.

        None and an empty text are null, which comes first. Raises `InvalidFilterError`.
        """
        several = values if isinstance(values, list | tuple | set | frozenset) else (values,)
        found = {self._stored(value) for value in several}
        size = sum(len(value) for value in found if isinstance(value, str))
        if not 0 < len(found) <= MOST_VALUES or size > MOST_CHARACTERS:
            raise InvalidFilterError(
                f"{self.name} has {len(found)} values of {size} characters",
                f"1 to {MOST_VALUES} values, of {MOST_CHARACTERS} characters together",
            )
        return tuple(sorted(found, key=lambda value: (value is not None, value)))

    def _stored(self, value: object) -> Any:
        # A member of an Enum may equal an empty text.
        if value is None or (type(value) is str and not value):
            return None
        try:
            return self.kind.stored(value)
        except ValueError:
            expected = f"{self.kind.expected}, or empty for null"
            raise InvalidFilterError(f"{self.name} is {value!r}", expected) from None


def role_of(name: str) -> str:
    """Return the name of a dimension's column among those of the mapped tasks."""
    return f"dimension_{name}"


def declared_columns(dimensions: object) -> dict[str, Column]:
    """Return the column of each dimension by its name.

    Raises `ConfigurationError` for a name that is invalid, taken or given twice.
    """
    if not isinstance(dimensions, Sequence | Mapping) or isinstance(dimensions, str):
        raise ConfigurationError(
            f"dimensions is {dimensions!r}; it must be names of columns, such as ('engine',), "
            "or a mapping of names to expressions"
        )
    for name in dimensions:
        _check_name(name)
    if isinstance(dimensions, Mapping):
        return dict(dimensions)
    if len(set(dimensions)) < len(dimensions):
        raise ConfigurationError(f"dimensions has a name twice: {', '.join(dimensions)}")
    return {name: name for name in dimensions}


def dimension_of(name: str, column_type: Any) -> Dimension:
    """Return a dimension by the type of its column.

    Raises `ConfigurationError` for a type that holds no texts, integers or booleans.
    """
    kind = kind_of(plain_type(column_type))
    if kind is None:
        raise ConfigurationError(
            f"the dimension {name} is a column of type {column_type!r}; it must hold text, an "
            "Enum, integers or booleans: map an expression such as sa.cast(…, sa.String)"
        )
    return Dimension(name, kind)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigurationError(
            f"a dimension is named {name!r}; a name has characters of [a-z0-9_] and does not "
            f"begin with a digit: map it, as in dimensions={{'engine': {name!r}}}"
        )
    if name in TAKEN_NAMES:
        raise ConfigurationError(
            f"a dimension is named {name!r}, which has another meaning in queries, answers or "
            f"labels; name it otherwise, as in dimensions={{'task_{name}': {name!r}}}"
        )
