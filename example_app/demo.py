"""`python -m example_app.demo`: the backend with a believable past, and new tasks coming in."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from sqlalchemy.exc import SQLAlchemyError

from flask_task_metrics import TaskMetricsError

from .app import create_app
from .backend import Address, Backend, BackendError
from .history import CANCELLED_RATE, SCENES, seed_if_empty
from .models import db, utc_now
from .rendering import ENGINES
from .shutdown import Shutdown, shutdown_on_signals

WORKERS = 4
TASKS_PER_SECOND = 0.12

GUIDE = """
The backend runs at {url} until Ctrl-C. The admin secret of this run is {secret}

The snapshot of the last hour:
  curl -s -H 'X-Admin-Secret: {secret}' {url}/api/admin/metrics-snapshot

The last 24 hours:
  curl -s -H 'X-Admin-Secret: {secret}' '{url}/api/admin/metrics-snapshot?minutes=1440'

Without the secret, 401:
  curl -i {url}/api/admin/metrics-snapshot

A task of your own, which the next snapshots count:
  curl -i -H 'Content-Type: application/json' \\
    -d '{{"engine": "{engine}", "prompt": "{prompt}"}}' {url}/api/video-tasks

The [METRICS] lines of server and workers:
  tail -f {log}
"""


def main() -> int:
    """Run the demo until a signal ends it; return the exit code."""
    try:
        with (
            shutdown_on_signals() as shutdown,
            TemporaryDirectory(prefix="video-tasks-") as folder,
        ):
            run(Path(folder), shutdown)
    except BackendError as error:
        print(error, file=sys.stderr)
        return 1
    _say("All processes have ended.")
    return 0


def run(folder: Path, shutdown: Shutdown) -> None:
    """Run the backend, its log and (without DATABASE_URL) its database in a folder, until shutdown
    is requested.

    Raises `BackendError` where that can't start, or a part of it ends.
    """
    address = Address.from_environment()
    address.check_free()
    secret = secrets.token_urlsafe(24)
    database_url = os.environ.get("DATABASE_URL") or f"sqlite:///{folder / 'video-tasks.db'}"
    _seed(database_url, secret)
    log = folder / "backend.log"
    own = {"DATABASE_URL": database_url, "TASK_METRICS_ADMIN_SECRET": secret}
    with Backend(address, os.environ | own, log) as backend:
        backend.start_server()
        backend.start_workers(WORKERS)
        backend.wait_until_ready(shutdown)
        if not shutdown.requested:
            _say(
                GUIDE.format(
                    url=address.url, secret=secret, log=log, engine=ENGINES[0], prompt=SCENES[0]
                )
            )
        trickle(backend, shutdown, Random())


def _seed(database_url: str, secret: str) -> None:
    try:
        app = create_app(
            {"SQLALCHEMY_DATABASE_URI": database_url, "TASK_METRICS_ADMIN_SECRET": secret}
        )
        with app.app_context():
            tasks = seed_if_empty(utc_now(), Random())
            # Only connections that no session holds are closed by disposing of the engine.
            db.session.remove()
            db.engine.dispose()
    except (ImportError, SQLAlchemyError, TaskMetricsError) as error:
        raise BackendError(f"DATABASE_URL can't be used: {error}") from error
    _say(
        f"Added {tasks} tasks, the last 24 hours, to an empty table."
        if tasks
        else "The table has tasks already; they stay as they are, and no past was added."
    )


def trickle(backend: Backend, shutdown: Shutdown, rng: Random) -> None:
    """Create a task now and then, and cancel a few, until shutdown is requested."""
    while not shutdown.wait(1):
        backend.check()
        if rng.random() < TASKS_PER_SECOND:
            create_task(backend, rng)


def create_task(backend: Backend, rng: Random) -> None:
    """Create a task over HTTP, and sometimes change one's mind."""
    task = {"engine": rng.choice(ENGINES), "prompt": rng.choice(SCENES)}
    created = backend.post("/api/video-tasks", task, 201)
    if rng.random() < CANCELLED_RATE:
        backend.post(f"/api/video-tasks/{created['id']}/cancel", {}, 200, 409)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
