"""Identical snapshots that are asked for at the same time cost one computation."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from werkzeug.test import TestResponse

from flask_task_metrics import Snapshot, TaskMetrics
from flask_task_metrics.single_flight import SingleFlight

from .databases import wait_until
from .host import HEADERS, PATH, SECRET, SOURCE, Base, add_tasks, current_utc, dispose_engines

CLIENTS = 8


class Gate:
    """An `error_code_of` that keeps a snapshot open in the middle until it is told to go on."""

    def __init__(self) -> None:
        self.computations = 0
        self.reached = Event()
        self.opened = Event()

    def __call__(self, message: str) -> str | None:
        self.computations += 1
        self.reached.set()
        assert self.opened.wait(30)
        if message == "raise":
            raise LookupError(message)
        return None


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def db() -> SQLAlchemy:
    return SQLAlchemy(model_class=Base)


@pytest.fixture
def task_metrics(db: SQLAlchemy, gate: Gate) -> TaskMetrics:
    """One whose snapshots stop at the gate."""
    return TaskMetrics(db, SOURCE, error_code_of=gate)


@pytest.fixture
def host(
    engine: sa.Engine, database_url: str, db: SQLAlchemy, task_metrics: TaskMetrics
) -> Iterator[Flask]:
    """What those snapshots are mounted on."""
    app = Flask("host")
    app.config.update(SQLALCHEMY_DATABASE_URI=database_url, TASK_METRICS_ADMIN_SECRET=SECRET)
    db.init_app(app)
    task_metrics.init_app(app)
    yield app
    dispose_engines(app)


def add_failure(engine: sa.Engine, message: str) -> None:
    add_tasks(
        engine,
        {"status": "failed", "updated_at": current_utc(), "error_message": message},
    )


def ask(host: Flask, minutes: int = 60) -> TestResponse:
    return host.test_client().get(PATH, query_string={"minutes": minutes}, headers=HEADERS)


@contextmanager
def all_waiting(
    function: Callable[[], Any], reached: Event, clients: int = CLIENTS
) -> Iterator[list[Future[Any]]]:
    """Calls in threads of their own, all of which have come to a stop: one where `reached` is set,
    the others behind it.
    """
    threads: list[Thread] = []
    futures: list[Future[Any]] = []

    def call(future: Future[Any]) -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
            future.set_exception(error)

    for _ in range(clients):
        futures.append(Future())
        threads.append(Thread(target=call, args=futures[-1:]))
        threads[-1].start()
        assert reached.wait(30)
    wait_until(lambda: all(is_waiting(thread) for thread in threads[1:]))
    yield futures
    for thread in threads:
        thread.join(30)


def ask_at_once(host: Flask, gate: Gate) -> list[TestResponse]:
    """The answers of many who wait for one computation."""
    with all_waiting(lambda: ask(host), gate.reached) as answers:
        gate.opened.set()
    return [answer.result() for answer in answers]


def is_waiting(thread: Thread) -> bool:
    """Whether a thread stands in a `Future.result`."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - Python has no other
    while frame is not None:
        if frame.f_code is Future.result.__code__:
            return True
        frame = frame.f_back
    return False


def test_many_who_ask_at_the_same_time_cost_one_computation(
    engine: sa.Engine, host: Flask, gate: Gate
) -> None:
    add_failure(engine, "no answer")
    responses = ask_at_once(host, gate)
    assert [200] * CLIENTS == [response.status_code for response in responses]
    assert 1 == gate.computations


def test_each_of_them_gets_the_same_figures_under_a_request_id_of_its_own(
    engine: sa.Engine, host: Flask, gate: Gate
) -> None:
    add_failure(engine, "no answer")
    responses = ask_at_once(host, gate)
    bodies = [response.get_json() for response in responses]
    ids = [body.pop("requestId") for body in bodies]
    assert CLIENTS == len(set(ids))
    assert ids == [response.headers["X-Request-Id"] for response in responses]
    assert [bodies[0]] * CLIENTS == bodies


def test_an_error_goes_to_all_who_waited_and_to_nobody_after(
    engine: sa.Engine, host: Flask, gate: Gate
) -> None:
    add_failure(engine, "raise")
    problems = [response.get_json() for response in ask_at_once(host, gate)]
    assert ["METRICS_ERROR"] * CLIENTS == [problem["code"] for problem in problems]
    assert CLIENTS == len({problem["requestId"] for problem in problems})
    assert 1 == gate.computations
    with engine.begin() as connection:
        connection.execute(sa.delete(Base.metadata.tables["tasks"]))
    assert 200 == ask(host).status_code


def test_who_asks_afterwards_sees_what_was_written_meanwhile(
    engine: sa.Engine, host: Flask, gate: Gate
) -> None:
    add_failure(engine, "no answer")
    gate.opened.set()
    assert 1 == ask(host).get_json()["tasks"]["failed"]
    add_failure(engine, "no answer")
    assert 2 == ask(host).get_json()["tasks"]["failed"]


def test_other_windows_are_computed_by_themselves(
    engine: sa.Engine, host: Flask, gate: Gate
) -> None:
    add_failure(engine, "no answer")
    with ThreadPoolExecutor() as threads:
        hour = threads.submit(ask, host, 60)
        assert gate.reached.wait(30)
        gate.reached.clear()
        day = threads.submit(ask, host, 1440)
        assert gate.reached.wait(30)
        gate.opened.set()
    minutes = [answer.result().get_json()["window"]["minutes"] for answer in (hour, day)]
    assert [60, 1440] == minutes
    assert 2 == gate.computations


def test_the_python_function_waits_for_nobody(
    engine: sa.Engine, host: Flask, gate: Gate, task_metrics: TaskMetrics
) -> None:
    add_failure(engine, "no answer")

    def snapshot() -> Snapshot:
        with host.app_context():
            return task_metrics.snapshot()

    with all_waiting(lambda: ask(host), gate.reached, clients=1), ThreadPoolExecutor() as threads:
        gate.reached.clear()
        answer = threads.submit(snapshot)
        assert gate.reached.wait(30)
        gate.opened.set()
    assert 1 == answer.result().tasks.failed
    assert 2 == gate.computations


def test_one_that_is_cut_off_leaves_the_computation_to_another() -> None:
    reached, opened = Event(), Event()
    calls: list[int] = []

    def compute(argument: int) -> int:
        calls.append(argument)
        reached.set()
        assert opened.wait(30)
        if len(calls) == 1:
            raise SystemExit
        return argument

    flight = SingleFlight(compute)
    with all_waiting(lambda: flight(7), reached) as answers:
        opened.set()
    assert isinstance(answers[0].exception(), SystemExit)
    assert [7] * (CLIENTS - 1) == [answer.result() for answer in answers[1:]]


def test_who_waited_shows_no_other_threads_traceback() -> None:
    reached, opened = Event(), Event()

    def compute(argument: int) -> int:
        reached.set()
        assert opened.wait(30)
        raise LookupError(argument)

    flight = SingleFlight(compute)
    with all_waiting(lambda: flight(7), reached) as answers:
        opened.set()
    errors: list[Any] = [answer.exception() for answer in answers]
    assert {"LookupError(7)"} == {repr(error) for error in errors}
    names = [frame.name for frame in traceback.extract_tb(errors[0].__traceback__)]
    assert 1 == names.count("_raise")
    assert "compute" == names[-1]
