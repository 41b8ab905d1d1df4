"""Groups of tasks in SQL: the value of a dimension, and the place of a group among the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.dialects import (
    exact_text,
    first_characters,
    group_key,
    group_text,
    unicode_text,
)
from flask_task_metrics.source import MOST_CHARACTERS, Dimension, TaskSource

from .parameters import Parameters, parameter, values

MOST_GROUPS = 20

REST = MOST_GROUPS + 1
"""The place of all tasks whose group is none of the first."""

Place: TypeAlias = int | None
"""The rank of a group, from 1 on, or `REST`; None is all tasks together."""

LONGEST_SORTED_TEXT = 255
"""MySQL compares only the first 1,024 bytes of longer texts when it sorts them into groups."""

FIRST_GROUPS = [f"group{number}" for number in range(1, MOST_GROUPS + 1)]
"""The parameters for the values of the first groups."""


@dataclass(frozen=True)
class Grouping:
    """The groups of a source's tasks by the values of a dimension."""

    source: TaskSource
    dimension: Dimension

    @property
    def value(self) -> sa.ColumnElement[Any]:
        """Return a task's value, a text as it is compared exactly; an empty text is null."""
        column = self.source.tasks.c[self.dimension.role]
        if not self.dimension.is_text:
            return sa.type_coerce(column, self.dimension.kind.bound_type)
        text = exact_text(column)
        return sa.type_coerce(sa.func.nullif(text, sa.literal("", text.type)), text.type)

    def key_of(self, value: Any) -> Any:
        """Return what values are grouped by: themselves, or their digests if they may be long."""
        return group_key(value) if self._may_be_long else value

    def value_of_group(self, value: Any) -> Any:
        """Return the value of a group by its `key_of`."""
        return (group_text(value) if self.dimension.is_text else value).label("value")

    def is_nameable(self, value: Any) -> sa.ColumnElement[bool]:
        """Return whether a filter can name a value.

        It can't name a text that is too long to be sent often, nor a boolean stored as 2.
        """
        if self.dimension.is_boolean:
            return sa.or_(value.is_(None), value.in_((False, True)))
        if not self._may_be_long:
            return sa.true()
        start = exact_text(first_characters(unicode_text(value), MOST_CHARACTERS))
        return sa.or_(value.is_(None), start == value)

    @property
    def _may_be_long(self) -> bool:
        length = getattr(self.dimension.kind.bound_type, "length", None) or MOST_CHARACTERS
        return self.dimension.is_text and length > LONGEST_SORTED_TEXT

    @property
    def place(self) -> sa.Label[int]:
        """Return the place of a task's group, by the parameters of `places_of`."""
        value = self.value
        groups = ((parameter(name, value.type), n) for n, name in enumerate(FIRST_GROUPS, 1))
        # A number is sorted faster than a text. A CASE that names its value once computes it once.
        of_value = sa.case(*groups, value=value, else_=REST)
        null_place = parameter("null_place", sa.Integer())
        return sa.case((value.is_(None), null_place), else_=of_value).label("place")


def places_of(groups: Sequence[Any]) -> Parameters:
    """Return the parameters of `Grouping.place`, for the values of the first groups.

    The one of a group that is not there equals no value.
    """
    found = dict(zip(FIRST_GROUPS, groups, strict=False))
    null_place = groups.index(None) + 1 if None in groups else REST
    return values(**dict.fromkeys(FIRST_GROUPS) | found, null_place=null_place)
