"""The state that an app keeps of `TaskMetrics`, and the access to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from flask import current_app

from .config import Settings
from .exceptions import ConfigurationError, UnknownSourceError
from .reader import Reader

EXTENSION_KEY = "task_metrics"


@dataclass(frozen=True)
class Mounted:
    """An app's settings, its readers and the host's own function for request ids.

    `readers` are by the name of their source, the default one first; a source that was mounted
    without a name is under None. `primary_engine` returns, inside the app's context, the engine of
    the bind that a task table belongs to; its reader's may be a replica's.
    """

    settings: Settings
    readers: Mapping[str | None, Reader]
    primary_engine: Callable[[str | None], sa.Engine]
    request_id_of: Callable[[], str | None] | None = None

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the names of the sources to choose from; none if there is only one source."""
        names = tuple(filter(None, self.readers))
        return names if len(names) > 1 else ()

    def reader_of(self, source: str | None) -> Reader:
        """Return the reader of a source, by default of the first.

        Raises `UnknownSourceError`.
        """
        if source is None:
            return next(iter(self.readers.values()))
        if source in self.readers:
            return self.readers[source]
        names = ", ".join(filter(None, self.readers))
        expected = f"it must be one of: {names}" if names else "there is only one, without a name"
        raise UnknownSourceError(f"the source is {source!r}; {expected}")


def current_mounted() -> Mounted:
    """Return the state of the current app.

    Raises `ConfigurationError` if `TaskMetrics.init_app` was not called on it.
    """
    mounted = current_app.extensions.get(EXTENSION_KEY)
    if not isinstance(mounted, Mounted):
        raise ConfigurationError(
            f"TaskMetrics is not mounted on {current_app.name!r}; call its init_app(app) first"
        )
    return mounted
