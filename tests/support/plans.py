"""The plans of a database, as EXPLAIN gives them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from flask_task_metrics.doctor.plans import explain
from flask_task_metrics.figures import Query


def plan_of(connection: sa.Connection, query: Query) -> list[dict[str, Any]]:
    """Return the rows of a query's plan, by the database's own names of their columns."""
    parameters = query.parameters_on(connection)
    cursor: Any = connection.execute(explain(query.statement), parameters).cursor
    # SQLAlchemy would give the rows of a plan the names of the query's columns.
    names = [description[0] for description in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
