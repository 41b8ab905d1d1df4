"""`TaskSource`: the host's task table and the meaning of its columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from functools import cached_property
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics.dialects import shared_cte

from .checks import bind_key_of, check_parameters, check_sql
from .column_types import check_fit
from .columns import Column
from .dimensions import Dimension, Dimensions, declared_columns, dimension_of, role_of
from .filters import Filter, Shape, filter_of, filtered, known_dimension
from .literals import with_literals
from .mapping import TIMESTAMPS, mapped_tasks
from .shapes import is_derived
from .since import TasksSince, is_function, selected_since
from .statuses import StatusValue, stored_statuses

Selectable: TypeAlias = type[Any] | sa.FromClause | sa.SelectBase | TasksSince

UNINDEXED = ("id", "error_message", "error_code", "request_id")
"""The roles that no index is recommended for."""

DERIVED = "task_metrics_tasks"
"""The name of a derived source in a statement. On SQLite a table of that name would hide it."""

LIMITED = f"{DERIVED}_limited"
"""The name of those tasks of a derived source that meet a condition."""


class TaskSource:
    """Map a model, a `Table`, a view or a subquery to tasks: which of its columns means what.

    The selectable may be a function from a time to a Select of every queued and processing task,
    and of the others at least those created or updated since. It is called once, at start, with a
    parameter to compare with timestamps: `def tasks_since(since): return
    sa.select(…).where(events.c.at >= since)…`. Without a function, each snapshot computes all
    tasks of a source that groups or unites rows.

    Each column is a name (of a column, or of a model's attribute), a SQL expression over the
    selectable, or a list of these: then the first that is not null counts. For example
    `updated_at=["finished_at", "started_at", "created_at"]`. Timestamps without a time zone must
    hold UTC; `from_epoch` makes one of a number. `request_id` is by default the column of that
    name, if there is one.

    `statuses` maps the names `completed`, `failed`, `cancelled`, `processing` and `queued` to the
    host's own values, one or several: strings, Enum members, integers or booleans. A status that it
    leaves out keeps its own name; `()` says that the host has no such status. `ignored` takes the
    values of tasks that count as created alone. For example
    `{"completed": ("done", "succeeded"), "cancelled": (), "ignored": "draft"}`.

    `created_at`, `processing_at`, `completed_at` and `error_message` may be None: the host does not
    record it. Figures that need it are then None.

    `due_at` is the time before which a task may not begin; null means at once. A queued task that
    is due later counts as scheduled, not as waiting.

    `dimensions` are names of columns that figures can be filtered and grouped by, or a mapping of
    names to expressions. For example `dimensions={"engine": "engine", "big": Task.frames > 1000}`.
    They hold text, an Enum, integers or booleans. Names have characters of `[a-z0-9_]`.

    `TaskMetrics.init_app` checks the source, not this constructor, so a model may refer to models
    that are defined after it. The check raises `ConfigurationError`, naming the column.
    """

    def __init__(
        self,
        selectable: Selectable,
        *,
        id: Column = "id",
        status: Column = "status",
        created_at: Column | None = "created_at",
        processing_at: Column | None = "processing_at",
        completed_at: Column | None = "completed_at",
        updated_at: Column = "updated_at",
        due_at: Column | None = None,
        error_message: Column | None = "error_message",
        error_code: Column | None = None,
        request_id: Column | None = None,
        statuses: Mapping[str, StatusValue | Iterable[StatusValue]] | None = None,
        dimensions: Dimensions = (),
    ) -> None:
        self._columns: Mapping[str, Column | None] = {
            "id": id,
            "status": status,
            "created_at": created_at,
            "processing_at": processing_at,
            "completed_at": completed_at,
            "updated_at": updated_at,
            "due_at": due_at,
            "error_message": error_message,
            "error_code": error_code,
            "request_id": request_id,
        }
        self._selectable = selectable
        self._statuses = statuses or {}
        self._dimensions = dimensions
        self.is_filtered = False

    @cached_property
    def mapped(self) -> sa.Subquery:
        """Return the tasks as a subquery whose columns have the names of this class's options, and
        of the roles of its dimensions.
        """
        selectable: Any = self._selectable
        declared = declared_columns(self._dimensions)
        by_role = {role_of(name): column for name, column in declared.items()}
        return mapped_tasks(
            selected_since(selectable) if self.is_function else selectable,
            {**self._columns, **by_role},
        )

    @cached_property
    def tasks(self) -> sa.FromClause:
        """Return `mapped` as statements read it: an index on an expression needs its literals.

        A derived source is a CTE: every database but MariaDB computes it once for a statement.
        """
        mapped = self.mapped.element
        unindexed = (mapped.selected_columns[role] for role in UNINDEXED)
        written: sa.Select[Any] = with_literals(mapped, but=unindexed)
        return shared_cte(written, DERIVED) if self.is_derived else written.subquery("tasks")

    @cached_property
    def is_derived(self) -> bool:
        """Return whether no index serves the window, so that each snapshot computes all tasks."""
        return is_derived(self.mapped)

    @property
    def is_function(self) -> bool:
        """Return whether the source is a function, whose statements need its `since_values`."""
        return is_function(self._selectable)

    def records(self, role: str) -> bool:
        """Return whether a column is mapped to a role, such as `due_at`."""
        return self._columns[role] is not None

    @property
    def timestamps(self) -> list[str]:
        """Return the roles of the timestamps that the source records."""
        return [role for role in (*TIMESTAMPS, "due_at") if self.records(role)]

    @cached_property
    def statuses(self) -> Mapping[str, tuple[Any, ...]]:
        """Return the values of each status and of `ignored`, as the database stores them."""
        return stored_statuses(self.tasks.c.status.type, self._statuses)

    @cached_property
    def dimensions(self) -> Mapping[str, Dimension]:
        """Return the declared dimensions by name."""
        names = declared_columns(self._dimensions)
        return {name: dimension_of(name, self.mapped.c[role_of(name)].type) for name in names}

    def dimension(self, name: str) -> Dimension:
        """Return the dimension of a name; raise `InvalidFilterError` if none is declared."""
        return known_dimension(self.dimensions, name)

    def filter_of(self, where: Mapping[str, Any] | None) -> Filter:
        """Return the filter by one value or several of each dimension that is named.

        Raises `InvalidFilterError`.
        """
        return filter_of(self.dimensions, where or {})

    def filtered(self, shape: Shape) -> TaskSource:
        """Return the source of the tasks that filters of a shape select.

        Its statements need the `parameters` of such a filter. An empty shape selects all tasks.
        """
        if not shape:
            return self
        source = copy(self)
        source.tasks = filtered(self.tasks, self.dimensions, shape)
        source.is_filtered = True
        return source

    def limited_to(self, condition: sa.ColumnElement[bool]) -> TaskSource:
        """Return the source of the tasks that meet a condition."""
        source = copy(self)
        source.tasks = shared_cte(sa.select(self.tasks).where(condition), LIMITED)
        return source

    @cached_property
    def bind_key(self) -> str | None:
        """Return the Flask-SQLAlchemy bind of the mapped tables; None is the default bind."""
        return bind_key_of(self.tasks)

    def check(self, dialect: sa.Dialect) -> None:
        """Raise `ConfigurationError` for a column that is missing or of the wrong type, for a
        status value that the column can't hold or that two names share, and for a selectable that
        the database of a dialect can't be asked for.
        """
        _ = self.statuses, self.dimensions, self.bind_key
        for column in self.tasks.c:
            check_fit(column.name, column.type, dialect)
        check_parameters(self.tasks)
        check_sql(self.tasks, dialect)
