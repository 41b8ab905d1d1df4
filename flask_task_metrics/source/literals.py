"""Literals of a mapping, written into the SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from .column_types import plain_type

WRITTEN_OUT = (sa.String, sa.Integer, sa.Boolean, sa.Numeric, sa.Float, sa.DateTime, sa.Date)


def with_literals(statement: Any, but: Iterable[Any]) -> Any:
    """Return a copy of a statement that has its literals in its SQL, quoted.

    Databases use the index on an expression only for the same expression, and a parameter is
    another one. The literals in `but`, expressions without an index, remain parameters, since one
    may be a key that decrypts. So do those of another type, such as bytes, and parameters that each
    run gives a value.
    """
    kept = {id(parameter) for expression in but for parameter in iterate(expression)}

    def write_out(element: Any, **_: Any) -> sa.BindParameter[Any] | None:
        if (
            isinstance(element, sa.BindParameter)
            and id(element) not in kept
            and not element.required
            and isinstance(plain_type(element.type), WRITTEN_OUT)
        ):
            return element.render_literal_execute()
        return None

    return replacement_traverse(statement, {}, write_out)
