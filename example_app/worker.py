"""The worker: `python -m example_app.worker` renders queued tasks, the oldest first."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from random import Random
from time import perf_counter

import sqlalchemy as sa

from flask_task_metrics import emit_metric

from .app import create_app
from .models import VideoTask, db, transition, utc_now
from .rendering import FAILURE_RATE, failure_message, render_seconds
from .shutdown import Shutdown, shutdown_on_signals

POLL_SECONDS = 0.5

OLDEST_QUEUED = (
    sa.select(VideoTask.id, VideoTask.engine, VideoTask.request_id)
    .where(VideoTask.status == "queued")
    .order_by(VideoTask.created_at, VideoTask.id)
    .limit(1)
)


class Worker:
    """Render queued tasks, inside an app context, until shutdown is requested.

    `speed` divides the rendering time, `failure_rate` is the share of tasks that fail, and the same
    `seed` draws the same times and failures again.
    """

    def __init__(
        self,
        shutdown: Shutdown,
        *,
        speed: float = 1,
        failure_rate: float = FAILURE_RATE,
        seed: int | None = None,
    ) -> None:
        self._shutdown = shutdown
        self._speed = speed
        self._failure_rate = failure_rate
        self._rng = Random(seed)

    def run(self, *, drain: bool = False) -> None:
        """Render tasks and wait for more; with `drain`, return when no task is queued."""
        while not self._shutdown.requested:
            if task := claim():
                self._render(*task)
            elif drain:
                return
            else:
                self._shutdown.wait(POLL_SECONDS)

    def attempt(self, engine: str) -> tuple[float, str | None]:
        """Return how many seconds an engine takes for a task, and the message of its failure."""
        seconds = render_seconds(self._rng)
        fails = self._rng.random() < self._failure_rate
        return seconds, failure_message(self._rng) if fails else None

    def _render(self, task_id: int, engine: str, request_id: str | None) -> None:
        began = perf_counter()
        seconds, error = self.attempt(engine)
        if self._shutdown.wait(seconds / self._speed):
            transition(task_id, ["processing"], "queued", processing_at=None)
            return
        # A task that was cancelled meanwhile stays cancelled, and its cancelling is logged already.
        if finish(task_id, error):
            emit_metric(
                "task.failed" if error else "task.completed",
                requestId=request_id,
                taskId=task_id,
                durationMs=round((perf_counter() - began) * 1000),
                error=error,
            )


def claim() -> tuple[int, str, str | None] | None:
    """Claim the oldest queued task for this worker alone; return its id, engine and request id, or
    None if no task is queued.
    """
    while task := db.session.execute(OLDEST_QUEUED).first():
        if transition(task.id, ["queued"], "processing", processing_at=utc_now()):
            return task.id, task.engine, task.request_id
    # Under REPEATABLE READ (MySQL's default), this transaction would see the empty queue forever.
    db.session.rollback()
    return None


def finish(task_id: int, error: str | None) -> bool:
    """Store how a processing task ended; return False if it is not processing any more."""
    if error:
        return transition(task_id, ["processing"], "failed", error_message=error)
    return transition(task_id, ["processing"], "completed", completed_at=utc_now())


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; defaults come from the environment."""
    parser = argparse.ArgumentParser("python -m example_app.worker", description=__doc__)
    parser.add_argument("--drain", action="store_true", help="end when no task is queued")
    parser.add_argument(
        "--speed",
        type=_speed,
        default=os.environ.get("VIDEO_WORKER_SPEED", "1"),
        help="how many times faster than real engines (default: VIDEO_WORKER_SPEED or 1)",
    )
    parser.add_argument(
        "--failure-rate",
        type=_share,
        default=os.environ.get("VIDEO_WORKER_FAILURE_RATE", str(FAILURE_RATE)),
        help="the share of tasks that fail (default: VIDEO_WORKER_FAILURE_RATE or %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=os.environ.get("VIDEO_WORKER_SEED"),
        help="draws the same times and failures again (default: VIDEO_WORKER_SEED)",
    )
    return parser.parse_args(arguments)


def _speed(text: str) -> float:
    if not (speed := float(text)) > 0:
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return speed


def _share(text: str) -> float:
    if not 0 <= (share := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


def main(arguments: Sequence[str] | None = None, worker: type[Worker] = Worker) -> None:
    """Run a worker until a signal ends it; its unfinished task goes back to the queue."""
    options = vars(parse_arguments(arguments))
    drain = options.pop("drain")
    with shutdown_on_signals() as shutdown, create_app().app_context():
        worker(shutdown, **options).run(drain=drain)
        db.engine.dispose()


if __name__ == "__main__":
    main()
