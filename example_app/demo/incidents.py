"""The demo's incidents: now and then an engine times out for some minutes."""

from __future__ import annotations

from time import monotonic

from example_app.rendering import ENGINES
from example_app.worker import Worker, main

FIRST_AFTER = 15
EVERY = 15 * 60
LASTS = 4 * 60

TIMEOUT_SECONDS = 30
RETRIES = 4
"""How many times more tasks come during an incident: clients try again."""


def failing_engine(seconds: float) -> str | None:
    """Return the engine that times out some seconds after the demo's start; mostly None."""
    number, since = divmod(seconds - FIRST_AFTER, EVERY)
    return ENGINES[int(number) % len(ENGINES)] if number >= 0 and since < LASTS else None


class UnluckyWorker(Worker):
    """Render as a `Worker` does; in an incident, its engine does not answer."""

    _began = monotonic()

    def attempt(self, engine: str) -> tuple[float, str | None]:
        """Return how many seconds an engine takes for a task, and the message of its failure."""
        if engine == failing_engine(monotonic() - self._began):
            return TIMEOUT_SECONDS, f"ENGINE_TIMEOUT: no answer after {TIMEOUT_SECONDS} s"
        return super().attempt(engine)


if __name__ == "__main__":
    main(worker=UnluckyWorker)
