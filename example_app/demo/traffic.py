"""New tasks, sent to a running backend over HTTP."""

from __future__ import annotations

from random import Random
from time import monotonic

from example_app.rendering import ENGINES
from example_app.shutdown import Shutdown

from .history import CANCELLED_RATE, SCENES
from .incidents import RETRIES, failing_engine
from .processes import Backend

TASKS_PER_SECOND = 0.12


def send_tasks(backend: Backend, shutdown: Shutdown, rng: Random) -> None:
    """Create tasks at random moments, and cancel a few, until shutdown is requested."""
    began = monotonic()
    while not shutdown.wait(1):
        backend.check()
        if rng.random() < tasks_per_second(monotonic() - began):
            create_task(backend, rng)


def tasks_per_second(seconds: float) -> float:
    """Return the load some seconds after the demo's start: in an incident, clients try again."""
    return TASKS_PER_SECOND * (RETRIES if failing_engine(seconds) else 1)


def create_task(backend: Backend, rng: Random) -> None:
    """Create a task, and cancel it at once with the probability CANCELLED_RATE."""
    task = {"engine": rng.choice(ENGINES), "prompt": rng.choice(SCENES)}
    created = backend.post("/api/video-tasks", task, 201)
    if rng.random() < CANCELLED_RATE:
        backend.post(f"/api/video-tasks/{created['id']}/cancel", {}, 200, 409)
