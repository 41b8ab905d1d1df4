"""What the doctor looks at."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from .collector import view
from .config import Settings
from .source import TaskSource


@dataclass(frozen=True)
class Subject:
    """A database, the tasks in it and the settings, at a second (UTC)."""

    engine: sa.Engine
    source: TaskSource
    settings: Settings
    now: datetime

    @property
    def day_ago(self) -> datetime:
        """Where the last 24 hours begin."""
        return self.now - timedelta(days=1)

    @property
    def timeout_ms(self) -> int:
        """The statement timeout; the default one where it is turned off."""
        return self.settings.statement_timeout_ms or Settings.statement_timeout_ms

    def view(self, timeout_ms: int | None = None) -> AbstractContextManager[sa.Connection]:
        """A view of the database such as a snapshot is read from, with the same errors."""
        return view(self.engine, timeout_ms or self.timeout_ms)
