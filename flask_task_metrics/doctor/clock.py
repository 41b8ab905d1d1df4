"""The database's clock."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from flask_task_metrics.dialects import Instant, elapsed_ms

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def read_clock(connection: sa.Connection) -> datetime:
    """Return the time (UTC) of the database's clock, to the millisecond."""
    since_epoch = sa.select(elapsed_ms(sa.literal(EPOCH, Instant()), clock_timestamp()))
    return EPOCH + timedelta(milliseconds=connection.execute(since_epoch).scalar_one())


class clock_timestamp(FunctionElement[datetime]):
    """The time of the database's clock during the statement, as a timestamp in UTC."""

    name = "clock_timestamp"
    inherit_cache = True


@compiles(clock_timestamp, "postgresql")
def _clock_timestamp_postgresql(element: clock_timestamp, compiler: SQLCompiler, **kw: Any) -> str:
    return "clock_timestamp()"


@compiles(clock_timestamp, "mysql", "mariadb")
def _clock_timestamp_mysql(element: clock_timestamp, compiler: SQLCompiler, **kw: Any) -> str:
    return "UTC_TIMESTAMP(6)"


@compiles(clock_timestamp, "sqlite")
def _clock_timestamp_sqlite(element: clock_timestamp, compiler: SQLCompiler, **kw: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f', 'now')"
