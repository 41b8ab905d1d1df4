"""Errors are counted by code, each with the task that failed last."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskMetricsError, TaskReference
from flask_task_metrics.figures.errors import Errors
from tests.support.host import SOURCE, Task, add_tasks, snapshot_of
from tests.support.jobs import at, job_table, store
from tests.support.oracle import TaskRow
from tests.support.tasks import (
    END,
    MESSAGES,
    MICROSECOND,
    START,
    WINDOW,
    ago,
    codes_of,
    errors_of,
    failed,
)


def long_json(code: str) -> str:
    return '{"detail": "' + "long " * 1000 + f'", "code": "{code}"}}'


def long_traceback(error: str) -> str:
    frames = '  File "tasks.py", line 1, in render\n' * 1_000
    return f"Traceback (most recent call last):\n{frames}{error}"


def statements_of(engine: sa.Engine, **config: Any) -> list[str]:
    """Return the statements by which a snapshot reads the tasks."""
    statements: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def keep(*args: Any) -> None:
        if "tasks" in args[2]:
            statements.append(args[2])

    snapshot_of(engine, **config)
    sa.event.remove(engine, "before_cursor_execute", keep)
    return statements


def test_most_frequent_error_comes_first_and_equal_counts_by_code(engine: sa.Engine) -> None:
    add_tasks(engine, *map(failed, ["B_B", "A_A", "C_C", "b", "C_C", "é", "B_C"]))
    expected = [("C_C", 2), ("A_A", 1), ("B_B", 1), ("B_C", 1), ("b", 1)]
    assert expected == codes_of(snapshot_of(engine))


def test_top_errors_are_as_many_as_the_setting_says(engine: sa.Engine) -> None:
    add_tasks(engine, *map(failed, ["A_A", "A_A", "A_A", "B_B", "B_B", "C_C"]))
    snapshot = snapshot_of(engine, TASK_METRICS_TOP_ERRORS=2)
    assert [("A_A", 3), ("B_B", 2)] == codes_of(snapshot)


def test_counts_of_all_codes_add_up_to_tasks_failed(engine: sa.Engine) -> None:
    add_tasks(engine, *(failed(message) for message in (*MESSAGES, None)))
    snapshot = snapshot_of(engine, TASK_METRICS_TOP_ERRORS=100)
    assert snapshot.tasks.failed == sum(error.count for error in errors_of(snapshot))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (["E_T: after 31 s", "E_T: after 32 s"], [("E_T", 2)]),
        (["no answer in 31 s", "no answer in 32 s"], [("no answer in <n> s", 2)]),
        (["it broke", "it broke ", " it  broke\n"], [("it broke", 3)]),
        (["it broke", "It broke", "it bröke"], [("It broke", 1), ("it broke", 1), ("it bröke", 1)]),
        (["💥", "💥💥", "💥"], [("💥", 2), ("💥💥", 1)]),
        ([None, "", " \n\t"], [("UNKNOWN", 3)]),
        (["it broke " * 200 + "A", "it broke " * 200 + "B"], [(("it broke " * 12)[:100], 2)]),
        (
            ["it broke " * 200 + "A" + "\n{", "it broke"],
            [("it broke", 1), (("it broke " * 12)[:100], 1)],
        ),
        ([long_json("A"), long_json("B"), long_json("A")], [("A", 2), ("B", 1)]),
        ([blank + long_json("A") for blank in ("", " ", "\r\n", "\t", "\x1f")], [("A", 5)]),
        ([long_json("A") + " " * 5_000, long_json("A") * 2], [("A", 1), (long_json("A")[:100], 1)]),
        (
            [long_traceback("a.B: 1"), long_traceback("a.B: 2"), "a.B: 2"],
            [("B", 2), ("a.B: <n>", 1)],
        ),
        ([" \n" + long_traceback("B: 1"), long_traceback("B")], [("B", 2)]),
        ([" " * 2000 + "QUOTA: used up", "\n" * 2000 + "QUOTA"], [("QUOTA", 2)]),
        (["%s", "%%", "\\", "\\\\", "'"], [("%%", 1), ("%s", 1), ("'", 1), ("\\", 1), ("\\\\", 1)]),
    ],
    ids=[
        "code",
        "pattern",
        "white space",
        "letters",
        "emoji",
        "blank",
        "long",
        "long with a brace",
        "long JSON",
        "long JSON behind white space",
        "JSON that goes on",
        "long tracebacks",
        "long traceback behind white space",
        "far behind white space",
        "quoting",
    ],
)
def test_failures_are_counted_by_code_never_by_raw_message(
    engine: sa.Engine, messages: list[str | None], expected: list[tuple[str, int]]
) -> None:
    add_tasks(engine, *map(failed, messages))
    assert expected == codes_of(snapshot_of(engine))


def test_code_is_read_from_the_first_1000_characters_of_a_message(engine: sa.Engine) -> None:
    add_tasks(engine, failed("x" + " " * 998 + "yz"))
    assert [("x y", 1)] == codes_of(snapshot_of(engine))


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("x" * 1000, 1),
        ("x" * 999 + "{", 1),
        ("x{" + "x" * 998, 1),
        ("|" + "x" * 999, 1),
        ("{" + "x" * 999, 2),
        (" {" + "x" * 998, 2),
        ("\n" + "x" * 999, 2),
        ("{" + "x" * 9_999, 1),
        ("Traceback (most recent call last)," + "x" * 966, 1),
        ("Traceback (most recent call last):" + "x" * 966, 2),
        ("+ Exception Group Traceback (most recent call last):" + "x" * 1_000, 2),
        ("💥" * 1_000, 1),
    ],
    ids=[
        *("text", "late brace", "second brace", "bar", "brace", "space and brace", "new line"),
        *("long brace", "almost traceback", "traceback", "group", "emoji"),
    ],
)
def test_messages_alike_in_their_start_are_read_as_one_unless_they_may_be_json(
    engine: sa.Engine, start: str, expected: int
) -> None:
    rest = "x" * 10_000 if len(start) >= 10_000 else ""
    add_tasks(engine, failed(f"{start}1{rest}"), failed(f"{start}2{rest}"))
    errors = Errors.of(SOURCE, None)
    assert errors is not None
    [query, _] = errors.queries(WINDOW)
    with engine.connect() as connection:
        assert expected == len(query.run(connection).all())


@pytest.mark.parametrize("updated", [ago(minutes=2), END + timedelta(days=1)])
def test_error_was_last_seen_at_the_whole_second_of_its_latest_failure(
    engine: sa.Engine, updated: datetime
) -> None:
    add_tasks(
        engine,
        failed("NO_ANSWER: 1", updated_at=updated + 999_999 * MICROSECOND),
        failed("NO_ANSWER: 2", updated_at=updated - timedelta(seconds=1)),
    )
    expected = [updated.replace(tzinfo=timezone.utc)]
    assert expected == [error.last_seen_at for error in errors_of(snapshot_of(engine))]


@pytest.mark.parametrize("messages", [["E_T: 1", "E_T: 2", "E_T: 3"], ["E_T"] * 3])
@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ((ago(seconds=3), END, END - timedelta(milliseconds=1)), 812),
        ((END, END + MICROSECOND, END), 812),
        ((END + MICROSECOND, END, END), 811),
        ((END, END, ago(seconds=3)), 812),
        ((END, END, END), 813),
        ((START, ago(days=1), ago(days=1)), 811),
    ],
    ids=["millisecond", "microsecond", "first", "equal", "all equal", "window's start"],
)
def test_sample_is_the_task_that_failed_last_with_its_request(
    engine: sa.Engine, messages: list[str], moments: tuple[datetime, ...], expected: int
) -> None:
    add_tasks(
        engine,
        *(
            failed(message, id=number, request_id=f"req_{number}", updated_at=updated)
            for number, (message, updated) in enumerate(zip(messages, moments, strict=True), 811)
        ),
        failed("OTHER_CODE", updated_at=END + timedelta(seconds=1)),
    )
    samples = {error.code: error.sample for error in errors_of(snapshot_of(engine))}
    assert TaskReference(task_id=f"{expected}", request_id=f"req_{expected}") == samples["E_T"]


def test_sample_of_many_that_failed_at_once_is_the_one_with_the_greatest_id(
    engine: sa.Engine,
) -> None:
    codes = ["E_A", "E_B", "no light", "E_A: 2", "E_B: 2", "no  light"]
    with engine.begin() as connection:
        connection.execute(sa.insert(Task), [failed(code) for code in codes * 500])
    samples = {error.code: error.sample.task_id for error in errors_of(snapshot_of(engine))}
    assert {"E_A": "2998", "E_B": "2999", "no light": "3000"} == samples


def test_equal_failures_are_ordered_as_the_database_orders_their_ids(engine: sa.Engine) -> None:
    table = job_table(id=sa.String(20))
    tasks = [TaskRow(1, "failed", updated_at=at(5)), TaskRow(1, "failed", updated_at=at(5))]
    ids = iter(("9", "10"))
    store(engine, table, tasks, id=lambda _: next(ids))
    samples = [error.sample.task_id for error in errors_of(snapshot_of(engine, table))]
    assert ["9"] == samples


def test_a_failure_of_another_code_at_the_same_moment_is_no_sample(engine: sa.Engine) -> None:
    add_tasks(
        engine,
        failed("E_A", id=1, updated_at=END),
        failed("E_B", id=2, updated_at=END),
        failed("E_B", id=3, updated_at=END - MICROSECOND),
        failed("E_A", id=4, updated_at=END - MICROSECOND),
    )
    samples = {error.code: error.sample.task_id for error in errors_of(snapshot_of(engine))}
    assert {"E_A": "1", "E_B": "2"} == samples


def test_number_of_statements_does_not_grow_with_the_errors(engine: sa.Engine) -> None:
    add_tasks(engine, *(failed(f"E_{letter}") for letter in "ABCDEFGHIJ"))
    numbers = {len(statements_of(engine, TASK_METRICS_TOP_ERRORS=top)) for top in (1, 2, 10, 1_000)}
    assert 1 == len(numbers)


def test_a_function_whose_codes_change_is_an_error(engine: sa.Engine) -> None:
    numbers = count()
    add_tasks(engine, failed("it broke"))
    with pytest.raises(TaskMetricsError) as raised:
        snapshot_of(engine, error_code_of=lambda message: f"E_{next(numbers)}")
    expected = (
        "no task has the error code 'E_0' any more; error_code_of must return the same code for "
        "the same message"
    )
    assert expected == str(raised.value)


def test_sample_of_a_task_without_request_has_none(engine: sa.Engine) -> None:
    add_tasks(engine, failed("NO_ANSWER", id=7))
    expected = [TaskReference(task_id="7", request_id=None)]
    assert expected == [error.sample for error in errors_of(snapshot_of(engine))]


def test_empty_table_has_no_errors(engine: sa.Engine) -> None:
    assert () == errors_of(snapshot_of(engine))
