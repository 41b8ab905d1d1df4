"""The sources of an app, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

from flask_task_metrics.exceptions import ConfigurationError

from .task_source import Selectable, TaskSource

Mappable: TypeAlias = TaskSource | Selectable
"""A source, or a model or table with the column names that `TaskSource` expects."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def named_sources(source: Mappable | Mapping[str, Mappable]) -> dict[str | None, TaskSource]:
    """Return the sources by name, in their order; a source without a name is under None.

    A name needs no escape in a query string, a path, a log line or a label. Raises
    `ConfigurationError` for an invalid one, and for an empty mapping.
    """
    if not isinstance(source, Mapping):
        return {None: _task_source(source)}
    if not source:
        raise ConfigurationError(
            f"source is {source!r}; a mapping needs a source, such as {{'videos': VideoTask}}"
        )
    for name in source:
        _check_name(name)
    return {name: _task_source(mappable) for name, mappable in source.items()}


def _task_source(mappable: Mappable) -> TaskSource:
    return mappable if isinstance(mappable, TaskSource) else TaskSource(mappable)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigurationError(
            f"a source is named {name!r}; a name has 1 to 64 characters of [A-Za-z0-9._-], "
            "and begins with a letter or a digit"
        )
