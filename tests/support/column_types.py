"""Column types of a host's own, and the statuses and timestamps that they hold."""

from __future__ import annotations

import enum
from datetime import datetime, timezone

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from tests.support.host import Timestamp
from tests.support.oracle import in_utc


class JobStatus(enum.Enum):
    """A host's statuses, one of which no figure counts."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PROCESSING = "processing"
    QUEUED = "queued"
    PAUSED = "paused"


class TextStatus(str, enum.Enum):
    DONE = "done"
    LOST = "lost"


class NumberStatus(enum.IntEnum):
    COMPLETED = 0
    FAILED = 1
    CANCELLED = 2
    PROCESSING = 3
    QUEUED = 4
    PAUSED = 5


class MemberText(sa.types.TypeDecorator[JobStatus]):
    """A column that takes and gives members alone, and stores their values."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: JobStatus | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> JobStatus | None:
        return None if value is None else JobStatus(value)


class PlainText(sa.types.TypeDecorator[str]):
    """A column of strings by another name."""

    impl = sa.String(32)
    cache_ok = True


AWARE = sa.DateTime(timezone=True).with_variant(mysql.TIMESTAMP(fsp=6), "mysql", "mariadb")


class UtcTimestamp(sa.types.TypeDecorator[datetime]):
    """A column that takes and gives aware timestamps alone."""

    impl = Timestamp
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else in_utc(value)
