"""Moments to the microsecond, as bound values."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa

from .databases import family_of
from .timestamps import UtcSecond

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)


class Moment(UtcSecond):
    """A UTC moment to the microsecond, as a bound value that is compared with an `instant`."""

    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Use an integer on SQLite, as `instant` does."""
        if family_of(dialect) == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return super().load_dialect_impl(dialect)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Convert the moment to microseconds on SQLite."""
        if value is None or family_of(dialect) != "sqlite":
            return super().process_bind_param(value, dialect)
        return (value - EPOCH) // MICROSECOND
