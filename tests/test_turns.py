"""Few snapshots are computed at a time, and those who ask for the same share one."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Condition, Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from werkzeug.test import TestResponse

from flask_task_metrics import (
    MetricsBusy,
    MetricsTimeout,
    MetricsUnavailable,
    Snapshot,
    TaskMetrics,
    TaskSource,
)
from flask_task_metrics.deadline import Deadline
from flask_task_metrics.turns import Turns
from tests.support.databases import on
from tests.support.host import (
    HEADERS,
    PATH,
    SECRET,
    SOURCE,
    Base,
    Task,
    add_tasks,
    current_utc,
    dispose_engines,
)
from tests.support.waiting import wait_until

CALLS = 2
"""A snapshot calls an `error_code_of` twice for one failure: to count it, and for its sample."""


class Gate:
    """An `error_code_of` that keeps a snapshot open while it reads, until it is told to go on."""

    def __init__(self) -> None:
        self.calls = 0
        self.reached = Event()
        self.opened = Event()

    def __call__(self, message: str) -> str | None:
        self.calls += 1
        self.reached.set()
        assert self.opened.wait(30)
        if message == "raise":
            raise LookupError(message)
        return None


class Call(Thread):
    """A function that runs in a thread of its own, and its outcome."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self._outcome: Future[Any] = Future()
        self.start()

    def run(self) -> None:
        try:
            self._outcome.set_result(self._function())
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
            self._outcome.set_exception(error)

    def result(self) -> Any:
        return self._outcome.result(30)

    def error(self) -> Any:
        return self._outcome.exception(30)

    @property
    def is_waiting(self) -> bool:
        """Return whether the thread waits for a turn, or for another thread's computation."""
        frame = sys._current_frames().get(self.ident or 0)  # noqa: SLF001 - Python has no other
        while frame is not None and frame.f_code is not Condition.wait_for.__code__:
            frame = frame.f_back
        return frame is not None


def waiting(function: Callable[[], Any]) -> Call:
    """Call a function that has to wait for its turn, and return once it does."""
    call = Call(function)
    wait_until(lambda: call.is_waiting)
    return call


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def db() -> SQLAlchemy:
    return SQLAlchemy(model_class=Base)


@pytest.fixture
def source() -> Any:
    return SOURCE


@pytest.fixture
def task_metrics(db: SQLAlchemy, gate: Gate, source: Any) -> TaskMetrics:
    """Return a `TaskMetrics` whose snapshots stop at the gate."""
    return TaskMetrics(db, source, error_code_of=gate)


@pytest.fixture
def hosts(
    engine: sa.Engine, database_url: str, db: SQLAlchemy, task_metrics: TaskMetrics
) -> Iterator[Callable[..., Flask]]:
    """Yield a function that creates a host, with a failed task for the gate."""
    add_failure(engine, "no answer")
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    with ExitStack() as stack:

        def create(**config: Any) -> Flask:
            app = Flask("host")
            app.config.update(
                SQLALCHEMY_DATABASE_URI=database_url, TASK_METRICS_ADMIN_SECRET=SECRET, **config
            )
            db.init_app(app)
            task_metrics.init_app(app)
            stack.callback(dispose_engines, app)
            return app

        yield create


def add_failure(engine: sa.Engine, message: str) -> None:
    failure = {"status": "failed", "updated_at": current_utc(), "error_message": message}
    add_tasks(engine, failure)


def ask(host: Flask, minutes: int = 60, **query: str) -> TestResponse:
    query_string = {"minutes": str(minutes)} | query
    return host.test_client().get(PATH, query_string=query_string, headers=HEADERS)


@contextmanager
def one_reading(host: Flask, gate: Gate) -> Iterator[Call]:
    """Have a snapshot stop at the gate while the block runs, and open the gate at its end."""
    first = Call(lambda: ask(host))
    assert gate.reached.wait(30)
    try:
        yield first
    finally:
        gate.opened.set()
    first.result()


def test_all_who_ask_while_one_reads_share_the_next(
    hosts: Callable[..., Flask], engine: sa.Engine, gate: Gate
) -> None:
    host = hosts(TASK_METRICS_MAX_CONCURRENT=1)
    with one_reading(host, gate) as first:
        add_failure(engine, "no answer")
        others = [waiting(lambda: ask(host)) for _ in range(4)]
    assert 1 == first.result().get_json()["tasks"]["failed"]
    bodies = [other.result().get_json() for other in others]
    assert [2] * 4 == [body["tasks"]["failed"] for body in bodies]
    assert 2 * CALLS == gate.calls
    ids = [body.pop("requestId") for body in bodies]
    assert 4 == len(set(ids))
    assert [bodies[0]] * 4 == bodies


def test_an_error_goes_to_all_who_share_it_and_to_nobody_after(
    hosts: Callable[..., Flask], engine: sa.Engine, gate: Gate
) -> None:
    host = hosts(TASK_METRICS_MAX_CONCURRENT=1)
    with one_reading(host, gate):
        add_failure(engine, "raise")
        others = [waiting(lambda: ask(host)) for _ in range(4)]
    problems = [other.result().get_json() for other in others]
    assert ["METRICS_ERROR"] * 4 == [problem["code"] for problem in problems]
    assert 4 == len({problem["requestId"] for problem in problems})
    with engine.begin() as connection:
        connection.execute(sa.delete(Base.metadata.tables["tasks"]))
    assert 200 == ask(host).status_code


def test_two_windows_are_computed_at_a_time(hosts: Callable[..., Flask], gate: Gate) -> None:
    host = hosts()
    with one_reading(host, gate) as hour:
        gate.reached.clear()
        day = Call(lambda: ask(host, 1440))
        assert gate.reached.wait(30)
    minutes = [call.result().get_json()["window"]["minutes"] for call in (hour, day)]
    assert [60, 1440] == minutes


@on("sqlite")
@pytest.mark.parametrize("source", [{"videos": SOURCE, "imports": SOURCE}], ids=["several"])
def test_several_sources_share_turns_but_no_computation(
    hosts: Callable[..., Flask], gate: Gate
) -> None:
    host = hosts(TASK_METRICS_MAX_CONCURRENT=1)
    with one_reading(host, gate):
        names = ["videos", "imports", "videos", "imports"]
        others = [waiting(partial(ask, host, source=name)) for name in names]
    assert names == [other.result().get_json()["source"] for other in others]
    assert 3 * CALLS == gate.calls


@on("sqlite")
def test_a_comparison_shares_no_computation_with_a_plain_snapshot(
    hosts: Callable[..., Flask], gate: Gate
) -> None:
    host = hosts(TASK_METRICS_MAX_CONCURRENT=1)
    with one_reading(host, gate):
        queries: list[dict[str, Any]] = [{}, {"compare": "previous"}, {}, {"compare": "previous"}]
        others = [waiting(partial(ask, host, **query)) for query in queries]
    compared = ["previous" in other.result().get_json() for other in others]
    assert [False, True, False, True] == compared
    assert 3 * CALLS == gate.calls


@on("sqlite")
@pytest.mark.parametrize("source", [TaskSource(Task, dimensions={"request": "request_id"})])
def test_filters_with_other_values_share_no_computation(
    hosts: Callable[..., Flask], engine: sa.Engine, gate: Gate
) -> None:
    failure = {"status": "failed", "updated_at": current_utc()}
    add_tasks(engine, *({**failure, "request_id": name} for name in ("a", "b", "b")))
    host = hosts(TASK_METRICS_MAX_CONCURRENT=1)
    with one_reading(host, gate):
        others = [waiting(partial(ask, host, request=name)) for name in ("a", "b", "", "a")]
    failed = [other.result().get_json()["tasks"]["failed"] for other in others]
    assert [1, 2, 1, 1] == failed


@on("sqlite")
def test_the_next_is_busy_when_all_turns_and_waiting_places_are_taken(
    hosts: Callable[..., Flask], gate: Gate
) -> None:
    host = hosts(TASK_METRICS_MAX_CONCURRENT=1)
    with one_reading(host, gate):
        others = [waiting(partial(ask, host, minutes)) for minutes in (1, 2, 3, 3)]
        busy = ask(host)
        assert (503, "METRICS_BUSY") == (busy.status_code, busy.get_json()["code"])
        assert "5" == busy.headers["Retry-After"]
    assert [200] * 4 == [other.result().status_code for other in others]
    assert 200 == ask(host).status_code


@on("sqlite")
def test_who_gets_no_turn_before_the_deadline_is_busy(
    hosts: Callable[..., Flask], gate: Gate, metric_log: pytest.LogCaptureFixture
) -> None:
    host = hosts(TASK_METRICS_MAX_CONCURRENT=1, TASK_METRICS_TIMEOUT_MS=5000)
    with one_reading(host, gate):
        assert "METRICS_BUSY" == ask(host, 7).get_json()["code"]
    failed = [line for line in metric_log.messages if "metrics.failed" in line]
    assert "code=METRICS_BUSY" in failed[0]


@on("sqlite")
def test_a_snapshot_in_python_takes_a_turn_too(
    hosts: Callable[..., Flask], gate: Gate, task_metrics: TaskMetrics
) -> None:
    host = hosts(TASK_METRICS_MAX_CONCURRENT=1, TASK_METRICS_TIMEOUT_MS=1000)

    def snapshot() -> Snapshot:
        with host.app_context():
            return task_metrics.snapshot()

    with one_reading(host, gate), pytest.raises(MetricsBusy):
        snapshot()
    assert 1 == snapshot().tasks.failed


class Stage:
    """A computation that stops twice, as it connects and as it reads, until it is let go."""

    def __init__(self) -> None:
        self.calls = 0
        self.connecting, self.connected, self.reading, self.read = (Event() for _ in range(4))
        self.error: BaseException | None = None

    def __call__(self, begin_reading: Callable[[], None]) -> int:
        self.calls += 1
        call = self.calls
        self.connecting.set()
        assert self.connected.wait(30)
        begin_reading()
        self.reading.set()
        assert self.read.wait(30)
        if self.error is not None and call == 1:
            raise self.error
        return call

    def go_on(self) -> None:
        self.connected.set()
        self.read.set()


A_MINUTE = 60_000


def share(turns: Turns, stage: Stage, deadline: Deadline | None = None) -> Callable[[], int]:
    return lambda: turns.share("hour", deadline or Deadline.in_ms(A_MINUTE), stage)


def test_all_who_ask_before_it_reads_share_one_computation() -> None:
    turns, stage = Turns(2), Stage()
    first = Call(share(turns, stage))
    assert stage.connecting.wait(30)
    others = [waiting(share(turns, stage)) for _ in range(8)]
    stage.go_on()
    assert [1] * 9 == [call.result() for call in (first, *others)]


def test_nobody_waits_beyond_their_own_deadline() -> None:
    turns, stage = Turns(1), Stage()
    first = Call(share(turns, stage))
    assert stage.connecting.wait(30)
    with pytest.raises(MetricsUnavailable):
        share(turns, stage, Deadline.in_ms(100))()
    joined = waiting(share(turns, stage, Deadline.in_ms(2_000)))
    stage.connected.set()
    assert stage.reading.wait(30)
    assert isinstance(joined.error(), MetricsTimeout)
    with pytest.raises(MetricsBusy):
        share(turns, stage, Deadline.in_ms(100))()
    stage.go_on()
    assert 1 == first.result()


def test_a_free_turn_is_taken_by_the_next_whoever_was_woken_first() -> None:
    turns, ending, connecting, last = Turns(2), Stage(), Stage(), Stage()
    running = [Call(partial(turns.share, key, Deadline(), ending)) for key in ("a", "b")]
    wait_until(lambda: ending.calls == 2)
    next_ = waiting(partial(turns.share, "c", Deadline(), connecting))
    after = waiting(partial(turns.share, "d", Deadline(), last))
    with turns._changed:  # noqa: SLF001 - no other order is sure to come
        turns._changed._waiters.reverse()  # type: ignore[attr-defined]  # noqa: SLF001
    last.go_on()
    ending.go_on()
    assert 1 == after.result()
    connecting.go_on()
    assert [1, 2, 1] == [*sorted(call.result() for call in running), next_.result()]


def test_nobody_joins_a_computation_that_is_past_its_deadline() -> None:
    turns, late, stage = Turns(2), Stage(), Stage()
    deadline = Deadline.in_ms(10)
    first = Call(share(turns, late, deadline))
    assert late.connecting.wait(30)
    wait_until(lambda: deadline.is_past)
    stage.go_on()
    assert 1 == share(turns, stage)()
    late.go_on()
    assert 1 == first.result()


def test_who_has_time_left_does_not_share_the_error_of_an_earlier_deadline() -> None:
    turns, stage = Turns(1), Stage()
    stage.error = MetricsTimeout()
    deadline = Deadline.in_ms(500)
    first = Call(share(turns, stage, deadline))
    assert stage.connecting.wait(30)
    other = waiting(share(turns, stage))
    wait_until(lambda: deadline.is_past)
    stage.go_on()
    assert isinstance(first.error(), MetricsTimeout)
    assert 2 == other.result()


def test_one_that_is_killed_leaves_the_computation_to_another() -> None:
    turns, stage = Turns(1), Stage()
    stage.error = SystemExit()
    first = Call(share(turns, stage))
    assert stage.connecting.wait(30)
    other = waiting(share(turns, stage))
    stage.go_on()
    assert isinstance(first.error(), SystemExit)
    assert 2 == other.result()


def test_who_waited_shows_no_other_threads_traceback() -> None:
    turns, stage = Turns(1), Stage()
    stage.error = LookupError("no answer")
    first = Call(share(turns, stage))
    assert stage.connecting.wait(30)
    others = [waiting(share(turns, stage)) for _ in range(3)]
    stage.go_on()
    errors = {id(call.error()): call.error() for call in (first, *others)}
    [error] = errors.values()
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert 1 == names.count("result")
    assert "__call__" == names[-1]
