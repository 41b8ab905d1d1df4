"""Run the example backend with a seeded past, and new tasks coming in, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from example_app.shutdown import Shutdown, shutdown_on_signals

from .guide import guide
from .history import TASKS
from .processes import Address, Backend, BackendError
from .progress import progress, say
from .seeding import seed
from .traffic import send_tasks

WORKERS = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo until a signal ends it; return the exit code."""
    options = parse_arguments(arguments)
    try:
        with (
            shutdown_on_signals() as shutdown,
            TemporaryDirectory(prefix="video-tasks-") as folder,
        ):
            run(Path(folder), shutdown, options.database_url)
    except BackendError as error:
        print(error, file=sys.stderr)
        return 1
    say("All processes have ended.")
    return 0


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line.

    The demo does not read DATABASE_URL from the environment: that may name a database of yours,
    exported for another app.
    """
    parser = argparse.ArgumentParser("python -m example_app.demo", description=__doc__)
    parser.add_argument(
        "database_url",
        nargs="?",
        metavar="DATABASE_URL",
        help="a database whose video_tasks table is missing or empty (default: a SQLite file that "
        "is deleted at the end)",
    )
    return parser.parse_args(arguments)


def run(folder: Path, shutdown: Shutdown, database_url: str | None = None) -> None:
    """Run the backend until shutdown is requested; its log and SQLite file are in `folder`.

    Raises `BackendError` if the backend can't start or a part of it ends.
    """
    address = Address.from_environment()
    address.check_free()
    secret = secrets.token_urlsafe(24)
    database_url = database_url or f"sqlite:///{folder / 'video-tasks.db'}"
    log = folder / "backend.log"
    own = {"DATABASE_URL": database_url, "TASK_METRICS_ADMIN_SECRET": secret}
    with progress("Preparing the database"):
        top_error = seed(database_url, secret, log)
    say(f"Seeded {TASKS} tasks of the last 24 hours into an empty table.")
    with Backend(address, os.environ | own, log) as backend:
        with progress(f"Starting gunicorn and {WORKERS} workers"):
            backend.start_server("example_app.demo.app:create_app()")
            backend.start_workers(WORKERS)
            backend.wait_until_ready(shutdown)
        if not shutdown.requested:
            say(guide(address.url, secret, database_url, log, top_error))
        send_tasks(backend, shutdown, Random())


if __name__ == "__main__":
    sys.exit(main())
