"""The five statuses of a task, and which values of the host's column stand for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any, Literal, TypeAlias, get_args

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from .exceptions import ConfigurationError

Status: TypeAlias = Literal["completed", "failed", "cancelled", "processing", "queued"]
StatusValue: TypeAlias = str | Enum

STATUSES: tuple[Status, ...] = get_args(Status)

HELD = (str, int, None)
"""What a status column may hold; None where its type does not tell."""


def stored_statuses(
    column_type: Any, mapping: Mapping[str, StatusValue | Iterable[StatusValue]]
) -> dict[Status, tuple[Any, ...]]:
    """The values that stand for each status, as the database stores them: texts or integers.

    Raises `ConfigurationError` for a column of another type, for a status that is not one of the
    five, for a value that the column can't hold, and for one that two statuses claim.
    """
    if not isinstance(plain_type(column_type), sa.Enum) and python_type(column_type) not in HELD:
        raise ConfigurationError(
            f"status is mapped to a column of type {column_type!r}; it must hold text or integers"
        )
    if unknown := sorted(set(mapping) - set(STATUSES)):
        raise ConfigurationError(
            f"statuses maps {', '.join(unknown)}; it can map {', '.join(STATUSES)}"
        )
    stored = {
        status: tuple(
            _stored(column_type, status, value) for value in _several(mapping.get(status, status))
        )
        for status in STATUSES
    }
    claims = Counter(value for values in stored.values() for value in set(values))
    if twice := [value for value, count in claims.items() if count > 1]:
        raise ConfigurationError(f"{twice[0]!r} stands for several of the statuses; map each apart")
    return stored


def plain_type(column_type: Any) -> Any:
    """The type of a column as the database has it, without what a host's `TypeDecorator` adds."""
    while isinstance(column_type, sa.TypeDecorator):
        column_type = column_type.impl_instance
    return column_type


def python_type(column_type: Any) -> type | None:
    """What the database's values of a column are in Python; None where its type does not tell."""
    with suppress(NotImplementedError):
        found: type = plain_type(column_type).python_type
        if found is not object:
            return found
    return None


def _several(values: Any) -> tuple[Any, ...]:
    is_one = isinstance(values, str) or not isinstance(values, Iterable)
    return (values,) if is_one else tuple(values)


def _stored(column_type: Any, status: Status, value: Any) -> Any:
    if not isinstance(value, str | Enum):
        raise ConfigurationError(
            f"statuses maps {status} to {value!r}; it must be a string or an Enum member"
        )
    if isinstance(column_type, sa.TypeDecorator):
        value = _decorated(column_type, status, value)
    if isinstance(plain_type(column_type), sa.Enum):
        return _enum_label(plain_type(column_type), status, value)
    plain = value.value if isinstance(value, Enum) else value
    held = python_type(column_type)
    if held in (str, int) and not isinstance(plain, held):
        raise ConfigurationError(
            f"{status} stands for {plain!r}, but the status column holds {held.__name__}; "
            "map it in statuses"
        )
    return plain


def _decorated(column_type: sa.TypeDecorator[Any], status: Status, value: StatusValue) -> Any:
    """What a type of the host's own makes of a value for the database."""
    process: Any = column_type.bind_processor(DefaultDialect())
    try:
        return process(value) if process else value
    except Exception as error:
        raise ConfigurationError(
            f"{status} stands for {value!r}, which its {type(column_type).__name__} does not take; "
            "map it in statuses, to () if there is no such status"
        ) from error


def _enum_label(column_type: sa.Enum, status: Status, value: Any) -> str:
    """The label that an Enum column stores, for the label itself, a member, or a member's value."""
    label_of = column_type.bind_processor(DefaultDialect())  # type: ignore[no-untyped-call]
    labels: dict[object, str] = {}
    for member in column_type.enum_class or ():
        labels |= {member: label_of(member), str(member.value): label_of(member)}
    labels |= {label: label for label in column_type.enums}
    if value not in labels:
        raise ConfigurationError(
            f"{status} stands for {value!r}, but the status column holds only "
            f"{', '.join(column_type.enums)}; map it in statuses, to () if there is no such status"
        )
    return labels[value]
