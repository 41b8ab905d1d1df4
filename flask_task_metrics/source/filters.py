"""Filters: conditions on dimensions, whose values are bound when a statement runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.dialects import exact_text, is_one_of
from flask_task_metrics.exceptions import InvalidFilterError

from .dimensions import Dimension

Shape: TypeAlias = tuple[tuple[str, bool, bool], ...]
"""A filter without its values: of each dimension the name, whether it may have one of several
values, and whether it may be null.
"""


@dataclass(frozen=True)
class Filter:
    """The values that select tasks, by dimension; None stands for null.

    A task is selected if each of the dimensions has one of its values.
    """

    values: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    @property
    def shape(self) -> Shape:
        """Return the filter without its values: one set of statements serves all that share it."""
        return tuple(
            (name, values[-1] is not None, values[0] is None) for name, values in self.values
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the values of the parameters of `is_selected`."""
        parameters: dict[str, Any] = {}
        for name, values in self.values:
            bound = [value for value in values if value is not None]
            once, twice, exact = _parameter_names(name)
            parameters |= {once: bound, twice: bound * 2, exact: bound}
        return parameters


NO_FILTER = Filter()


def filter_of(dimensions: Mapping[str, Dimension], where: Mapping[str, Any]) -> Filter:
    """Return a filter by the values that a caller gives for each dimension, one or several.

    Raises `InvalidFilterError` for an unknown dimension, and for a value that one can't have.
    """
    for name in where:
        known_dimension(dimensions, name)
    return Filter(tuple((name, dimensions[name].stored(where[name])) for name in sorted(where)))


def known_dimension(dimensions: Mapping[str, Dimension], name: str) -> Dimension:
    """Return the dimension of a name; raise `InvalidFilterError` if there is none."""
    if isinstance(name, str) and name in dimensions:
        return dimensions[name]
    names = ", ".join(dimensions)
    expected = f"one of {names}" if names else "left out, since the source declares none"
    raise InvalidFilterError(f"the dimension is {name!r}", expected)


def filtered(tasks: Any, dimensions: Mapping[str, Dimension], shape: Shape) -> sa.Subquery:
    """Select the tasks that a filter of a shape selects; each run gives its values."""
    conditions = (
        _is_selected(dimensions[name], tasks.c[dimensions[name].role], has_values, has_null)
        for name, has_values, has_null in shape
    )
    selected: sa.Subquery = sa.select(*tasks.c).where(*conditions).subquery("tasks")
    return selected


def _is_selected(
    dimension: Dimension, column: Any, has_values: bool, has_null: bool
) -> sa.ColumnElement[bool]:
    conditions: list[Any] = []
    if has_values:
        conditions.append(_has_value(dimension, column))
    if has_null:
        conditions.append(is_null(dimension, column))
    return sa.or_(*conditions)


def _has_value(dimension: Dimension, column: Any) -> sa.ColumnElement[bool]:
    once, twice, exact = _parameter_names(dimension.name)
    bound_type = dimension.kind.bound_type
    plain = sa.type_coerce(column, bound_type)
    has_value = is_one_of(plain, _several(once, bound_type), _several(twice, bound_type))
    if not dimension.is_text:
        return has_value
    # The first condition can use an index, the second is exact under any collation.
    text = exact_text(plain)
    return sa.and_(has_value, text.in_(_several(exact, text.type)))


def is_null(dimension: Dimension, column: Any) -> sa.ColumnElement[bool]:
    """Return whether a dimension is null or an empty text."""
    if not dimension.is_text:
        return sa.type_coerce(column, dimension.kind.bound_type).is_(None)
    text = exact_text(column)
    return sa.or_(column.is_(None), text == sa.literal("", text.type))


def _several(name: str, bound_type: Any) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=bound_type, expanding=True)


def _parameter_names(name: str) -> tuple[str, str, str]:
    """Return the parameters for a dimension's values, these named twice, and their exact texts."""
    once, twice, exact = (f"task_metrics_{of}_of_{name}" for of in ("values", "twice", "exact"))
    return once, twice, exact
