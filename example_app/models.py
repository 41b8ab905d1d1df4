"""The table of video tasks, and `transition`: it moves a task to another status."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Literal, TypeAlias

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_task_metrics import TaskSource, add_recommended_indexes

Status: TypeAlias = Literal["queued", "processing", "completed", "failed", "cancelled"]

# MySQL and MariaDB drop the microseconds of a plain DATETIME.
Timestamp = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


class Base(DeclarativeBase):
    """The root of the models."""


db = SQLAlchemy(metadata=Base.metadata)


def utc_now() -> datetime:
    """Return the current UTC time without a time zone, as the timestamp columns hold it."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


class VideoTask(Base):
    """A video to render."""

    __tablename__ = "video_tasks"
    # A prompt may hold any character, but the server's default may be latin1.
    __table_args__ = ({"mysql_charset": "utf8mb4", "mariadb_charset": "utf8mb4"},)

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[Status] = mapped_column(sa.String(16), default="queued")
    engine: Mapped[str] = mapped_column(sa.String(32))
    prompt: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now)
    processing_at: Mapped[datetime | None] = mapped_column(Timestamp)
    completed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=utc_now, onupdate=utc_now)
    error_message: Mapped[str | None] = mapped_column(sa.Text)
    request_id: Mapped[str | None] = mapped_column(sa.String(128))


VIDEO_TASKS = TaskSource(VideoTask, request_id="request_id", dimensions=["engine"])

add_recommended_indexes(VIDEO_TASKS)


def transition(
    task_id: int, from_statuses: Iterable[Status], to_status: Status, **values: object
) -> bool:
    """Move a task to another status and commit; return False if its status is not one of
    `from_statuses`.

    One UPDATE checks and moves, so only one of several callers succeeds, such as two workers that
    claim the same task.
    """
    moved = db.session.connection().execute(
        sa.update(VideoTask)
        .where(VideoTask.id == task_id, VideoTask.status.in_(from_statuses))
        .values(status=to_status, **values)
    )
    db.session.commit()
    return moved.rowcount == 1
