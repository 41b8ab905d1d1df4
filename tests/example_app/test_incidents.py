"""In the demo, an engine times out now and then, and more tasks come."""

from __future__ import annotations

import pytest

from example_app.demo import incidents, traffic
from example_app.demo.incidents import EVERY, FIRST_AFTER, LASTS, UnluckyWorker, failing_engine
from example_app.rendering import ENGINES
from example_app.shutdown import Shutdown


@pytest.mark.parametrize(
    ("seconds", "engine"),
    [
        (0, None),
        (FIRST_AFTER, ENGINES[0]),
        (FIRST_AFTER + LASTS, None),
        (FIRST_AFTER + EVERY, ENGINES[1]),
        (FIRST_AFTER + 3 * EVERY, ENGINES[0]),
    ],
)
def test_an_incident_comes_within_seconds_and_then_now_and_then(
    seconds: float, engine: str | None
) -> None:
    assert engine == failing_engine(seconds)


def test_the_failing_engine_times_out_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = UnluckyWorker(Shutdown(), failure_rate=0)
    for name, seconds in {"FIRST_AFTER": 0, "LASTS": 1e9, "EVERY": 1e9}.items():
        monkeypatch.setattr(incidents, name, seconds)
    assert (30, "ENGINE_TIMEOUT: no answer after 30 s") == worker.attempt(ENGINES[0])
    assert worker.attempt(ENGINES[1])[1] is None


def test_clients_try_again_during_an_incident() -> None:
    calm, incident = (traffic.tasks_per_second(seconds) for seconds in (0, FIRST_AFTER))
    assert incident == 4 * calm
