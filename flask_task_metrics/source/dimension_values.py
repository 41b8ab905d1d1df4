"""The kinds of values that a dimension may have, and how each is read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

LEAST_INTEGER, GREATEST_INTEGER = -(2**63), 2**63 - 1
"""The bounds of a BIGINT."""

LONGEST_INTEGER = len(str(LEAST_INTEGER))


class Kind(Protocol):
    """A kind of values. `expected` says which there are, to end a sentence: "it must be …"."""

    @property
    def expected(self) -> str:
        """Return which values there are."""

    @property
    def bound_type(self) -> sa.types.TypeEngine[Any]:
        """Return the type in which a value is sent to the database."""

    @property
    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a value in a query string."""

    def of_text(self, text: str) -> object:
        """Return the value that a text of a query string stands for, or the text itself."""

    def stored(self, value: object) -> Any:
        """Return a value as the database stores it; raise `ValueError` if it is of another kind."""


@dataclass(frozen=True)
class Text:
    """Texts, compared exactly."""

    bound_type: sa.types.TypeEngine[Any]
    expected: str = "text without NUL characters and lone surrogates"

    @property
    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a text."""
        return {"type": "string", "pattern": r"^[^\x00]*$"}

    def of_text(self, text: str) -> str:
        """Return the text."""
        return text

    def stored(self, value: object) -> str:
        """Return a text that every database takes."""
        if not isinstance(value, str) or "\0" in value:
            raise ValueError
        # A lone surrogate has no UTF-8; the error is a ValueError.
        value.encode()
        return str(value)


@dataclass(frozen=True)
class Label:
    """The labels of an Enum. Its members and their values stand for them too."""

    bound_type: sa.Enum

    @property
    def expected(self) -> str:
        """Name the labels."""
        return f"one of {', '.join(self.bound_type.enums)}"

    @property
    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the labels and of the members' values."""
        labels = [label for label in enum_labels(self.bound_type) if isinstance(label, str)]
        return {"type": "string", "enum": labels}

    def of_text(self, text: str) -> str:
        """Return the text, a label or a member's value."""
        return text

    def stored(self, value: object) -> str:
        """Return the label of a label, a member or a member's value."""
        try:
            return enum_labels(self.bound_type)[value]
        except (KeyError, TypeError) as error:
            raise ValueError from error


@dataclass(frozen=True)
class Integer:
    """Whole numbers of up to 64 bits."""

    bound_type: sa.types.TypeEngine[Any]
    expected: str = f"a whole number from {LEAST_INTEGER} to {GREATEST_INTEGER}"

    @property
    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a number."""
        bounds = {"minimum": LEAST_INTEGER, "maximum": GREATEST_INTEGER}
        return {"type": "integer", "format": "int64"} | bounds

    def of_text(self, text: str) -> object:
        """Return the number that ASCII digits stand for."""
        is_number = len(text) <= LONGEST_INTEGER and re.fullmatch("-?[0-9]+", text)
        return int(text) if is_number else text

    def stored(self, value: object) -> int:
        """Return a number that is in range."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError  # noqa: TRY004 - as for a number that is out of range
        if not LEAST_INTEGER <= value <= GREATEST_INTEGER:
            raise ValueError
        return int(value)


@dataclass(frozen=True)
class Boolean:
    """`true` and `false`."""

    bound_type: sa.types.TypeEngine[Any]
    expected: str = "true or false"

    @property
    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a boolean."""
        return {"type": "boolean"}

    def of_text(self, text: str) -> object:
        """Return the boolean of its name in JSON."""
        return {"true": True, "false": False}.get(text, text)

    def stored(self, value: object) -> bool:
        """Return a boolean."""
        if not isinstance(value, bool):
            raise ValueError  # noqa: TRY004 - as of every other kind
        return value


def kind_of(column_type: Any) -> Kind | None:
    """Return the kind of a column's values by its plain type; None for any other type."""
    if isinstance(column_type, sa.Enum):
        return Label(column_type)
    if isinstance(column_type, sa.String):
        return Text(column_type)
    if isinstance(column_type, sa.Integer):
        # In a smaller type, such as the column's own, a greater number would be an error.
        return Integer(sa.BigInteger())
    return Boolean(column_type) if isinstance(column_type, sa.Boolean) else None


def enum_labels(column_type: sa.Enum) -> Mapping[object, str]:
    """Return the label that an Enum column stores for each label, member and member's value."""
    label_of = column_type.bind_processor(DefaultDialect())  # type: ignore[no-untyped-call]
    labels: dict[object, str] = {}
    for member in column_type.enum_class or ():
        labels |= {member: label_of(member), str(member.value): label_of(member)}
    return labels | {label: label for label in column_type.enums}
