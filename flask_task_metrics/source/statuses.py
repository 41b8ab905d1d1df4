"""The statuses of a task, and the host's values for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Literal, TypeAlias, get_args

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from flask_task_metrics.exceptions import ConfigurationError

from .column_types import check_status, plain_type
from .dimension_values import enum_labels

Status: TypeAlias = Literal["completed", "failed", "cancelled", "processing", "queued"]
StatusValue: TypeAlias = str | int | bool | Enum

STATUSES: tuple[Status, ...] = get_args(Status)

ENDED: tuple[Status, ...] = ("completed", "failed", "cancelled")
"""The statuses that a task ends in."""

IGNORED = "ignored"
"""The name of values that no figure counts by their status."""

NAMES = (*STATUSES, IGNORED)


def stored_statuses(
    column_type: Any, mapping: Mapping[str, StatusValue | Iterable[StatusValue]]
) -> dict[str, tuple[Any, ...]]:
    """Return the values of each of the `NAMES` as the database stores them.

    Raises `ConfigurationError` for a column that holds no texts, integers or booleans, for another
    name, for a value that the column can't hold, and for a value of two statuses.
    """
    check_status(column_type)
    if unknown := sorted(set(mapping) - set(NAMES)):
        raise ConfigurationError(
            f"statuses maps {', '.join(unknown)}; it can map {', '.join(NAMES)}"
        )
    values = {IGNORED: ()} | dict(zip(STATUSES, STATUSES, strict=True)) | dict(mapping)
    stored = {
        name: tuple(_stored(column_type, name, value) for value in _as_tuple(values[name]))
        for name in NAMES
    }
    claims = Counter(value for values in stored.values() for value in set(values))
    if twice := [value for value, count in claims.items() if count > 1]:
        raise ConfigurationError(f"{twice[0]!r} stands for several of the statuses; map each apart")
    return stored


def _as_tuple(values: Any) -> tuple[Any, ...]:
    is_one = isinstance(values, str) or not isinstance(values, Iterable)
    return (values,) if is_one else tuple(values)


def _stored(column_type: Any, status: str, value: Any) -> Any:
    if not isinstance(value, str | int | Enum):
        raise ConfigurationError(
            f"statuses maps {status} to {value!r}; "
            "it must be a string, an Enum member, an integer or a boolean"
        )
    if isinstance(column_type, sa.TypeDecorator):
        value = _decorated(column_type, status, value)
    if isinstance(plain_type(column_type), sa.Enum):
        return _enum_label(plain_type(column_type), status, value)
    plain = value.value if isinstance(value, Enum) else value
    held = _held(plain_type(column_type))
    if held and not (isinstance(plain, held) and isinstance(plain, bool) == (held is bool)):
        raise ConfigurationError(
            f"{status} stands for {plain!r}, but the status column holds {held.__name__}; "
            "map it in statuses"
        )
    return plain


def _held(column_type: Any) -> type | None:
    """Return the Python type of a column's values; None for a type that doesn't tell."""
    held = {sa.Boolean: bool, sa.Integer: int, sa.String: str}
    return next((held[known] for known in held if isinstance(column_type, known)), None)


def _decorated(column_type: sa.TypeDecorator[Any], status: str, value: StatusValue) -> Any:
    """Return a value as the host's own type stores it."""
    process: Any = column_type.bind_processor(DefaultDialect())
    try:
        return process(value) if process else value
    except Exception as error:
        raise ConfigurationError(
            f"{status} stands for {value!r}, which its {type(column_type).__name__} does not take; "
            "map it in statuses, to () if there is no such status"
        ) from error


def _enum_label(column_type: sa.Enum, status: str, value: Any) -> str:
    """Return the label that an Enum column stores for a label, a member or a member's value."""
    labels = enum_labels(column_type)
    if value not in labels:
        raise ConfigurationError(
            f"{status} stands for {value!r}, but the status column holds only "
            f"{', '.join(column_type.enums)}; map it in statuses, to () if there is no such status"
        )
    return labels[value]
