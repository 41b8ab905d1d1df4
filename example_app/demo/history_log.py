"""The log of the past: the lines that server and workers would have logged about seeded tasks."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path
from random import Random

from flask.logging import default_handler

from example_app.models import VideoTask
from flask_task_metrics import emit_metric

from .history import request_id


@dataclass(frozen=True)
class Event:
    """A line of the log, and the moment at which it was logged."""

    moment: datetime
    name: str
    fields: Mapping[str, object]


def write_log(path: Path, tasks: Iterable[VideoTask], rng: Random) -> None:
    """Write the `[METRICS]` lines of the tasks to a file, each with the time of its own moment."""
    events = sorted(
        chain.from_iterable(events_of(task, rng) for task in tasks),
        key=lambda event: event.moment,
    )
    with _metrics_logged_by(PastHandler(path)) as handler:
        for event in events:
            handler.moment = event.moment
            emit_metric(event.name, **event.fields)


def events_of(task: VideoTask, rng: Random) -> Iterator[Event]:
    """Yield the events of a task's life, as views and worker log them."""
    url = "/api/video-tasks"
    created = {"requestId": task.request_id, "taskId": task.id, "engine": task.engine}
    yield Event(task.created_at, "task.created", created)
    yield _request(task.created_at, task.request_id, url, 201, rng)
    if task.status == "cancelled":
        # Somebody cancelled it by a request of its own.
        cancelled_by = request_id(rng)
        cancelled = {"requestId": cancelled_by, "taskId": task.id}
        yield Event(task.updated_at, "task.cancelled", cancelled)
        yield _request(task.updated_at, cancelled_by, f"{url}/{task.id}/cancel", 200, rng)
    elif task.processing_at:
        yield _worked(task, task.processing_at)


def _request(
    moment: datetime, request_id: str | None, path: str, status: int, rng: Random
) -> Event:
    fields = {
        "requestId": request_id,
        "method": "POST",
        "path": path,
        "status": status,
        "durationMs": round(rng.uniform(2, 6), 1),
    }
    return Event(moment, "request.completed", fields)


def _worked(task: VideoTask, processing_at: datetime) -> Event:
    milliseconds = (task.updated_at - processing_at).total_seconds() * 1000
    fields = {
        "requestId": task.request_id,
        "taskId": task.id,
        "durationMs": round(milliseconds),
        "error": task.error_message,
    }
    return Event(task.updated_at, f"task.{task.status}", fields)


class PastHandler(logging.FileHandler):
    """Write records as the server's log has them, but with the time of `moment`."""

    moment: datetime

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8")
        # Without logging configured, the server's lines have Flask's format.
        self.setFormatter(default_handler.formatter)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, with the time of `moment` in place of its own."""
        record.created = self.moment.replace(tzinfo=timezone.utc).timestamp()
        record.msecs = self.moment.microsecond // 1000
        super().emit(record)


@contextmanager
def _metrics_logged_by(handler: PastHandler) -> Iterator[PastHandler]:
    """Have the package's logger write to a handler while the block runs."""
    logger = logging.getLogger("flask_task_metrics")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
