"""A real Celery worker that fills its SQLAlchemy result backend, in a process of its own:
`python -m tests.support.celery_jobs URL`.

Its last task ends the process, as the kernel does when it is out of memory.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event

from celery import Celery, Task
from celery.contrib.testing.worker import start_worker

app = Celery(broker="memory://")
app.conf.task_track_started = True


class QuotaExceeded(Exception):
    """An exception of the host's own, whose name tells no exception."""


@app.task
def render(frames: int) -> float:
    return 24 / frames


@app.task
def upload(name: str) -> None:
    try:
        Path("/nowhere", name).read_bytes()
    except OSError as error:
        raise QuotaExceeded(f"no room for {name}") from error


@app.task(bind=True)
def fetch(self: Task, countdown: int, max_retries: int) -> None:
    raise self.retry(exc=TimeoutError("no answer"), countdown=countdown, max_retries=max_retries)


@app.task
def die() -> None:
    os._exit(0)


def main(url: str) -> None:
    app.conf.result_backend = f"db+{url}"
    if url.startswith("postgresql"):
        app.conf.database_engine_options = {"connect_args": {"options": "-c timezone=UTC"}}
    an_hour_ago = datetime.now(timezone.utc) - timedelta(hours=1)
    with start_worker(app, perform_ping_check=False):
        ended = [render.delay(frames) for frames in (1, 2, 3, 0, 0)]
        ended += [upload.delay(name) for name in ("a.mp4", "b.mp4", "c.mp4")]
        ended.append(fetch.delay(0, max_retries=1))
        ended.append(render.apply_async([1], expires=an_hour_ago))
        fetch.delay(3600, max_retries=3)
        for task in ended:
            task.get(propagate=False)
        die.delay()
        Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
