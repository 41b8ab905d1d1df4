"""Text is compared letter by letter, whatever the collation or the character set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import Snapshot, TaskSource
from tests.support.column_types import PlainText
from tests.support.databases import on, run
from tests.support.host import snapshot_of
from tests.support.jobs import EXPECTED, TASKS, at, job_table, store
from tests.support.oracle import TaskRow, expected_snapshot
from tests.support.tasks import WINDOW, codes_of


def store_alike_statuses(engine: sa.Engine, collation: str | None) -> Snapshot:
    """Store the tasks, two of them with a status that a collation may take for another; give the
    figures without these two.
    """
    store(engine, job_table(status=sa.String(32, collation=collation)))
    run(
        engine,
        "UPDATE jobs SET status = 'Completed' WHERE id = 1",
        "UPDATE jobs SET status = 'failed ' WHERE id = 3",
    )
    tasks = [replace(task, status=None) if task.id in (1, 3) else task for task in TASKS]
    return expected_snapshot(tasks, WINDOW)


def create_case_insensitive(engine: sa.Engine) -> None:
    run(
        engine,
        "CREATE COLLATION case_insensitive "
        "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    )


CASE_INSENSITIVE = {
    "sqlite": "NOCASE",
    "mariadb": "utf8mb4_general_ci",
    "mysql": "utf8mb4_general_ci",
    "postgresql": None,
}


@pytest.mark.parametrize(
    "column_type",
    [sa.String(32), PlainText(), sa.types.NullType()],
    ids=["string", "the host's own", "unknown"],
)
def test_status_is_compared_to_the_letter_whatever_the_column_s_type(
    engine: sa.Engine, column_type: sa.types.TypeEngine[Any]
) -> None:
    expected = store_alike_statuses(engine, CASE_INSENSITIVE[engine.dialect.name])
    source = TaskSource(job_table(status=column_type), request_id="request_id")
    assert expected == snapshot_of(engine, source)


@on("postgresql-by-url")
def test_status_is_compared_to_the_letter_under_a_collation_of_icu(engine: sa.Engine) -> None:
    create_case_insensitive(engine)
    expected = store_alike_statuses(engine, "case_insensitive")
    source = TaskSource(job_table(), request_id="request_id")
    assert expected == snapshot_of(engine, source)


ALIKE_MESSAGES = ("It broke", "it broke", '{"code": "E"}', '{"code": "e"}', "größer", "großer")
MESSAGES_OF_THE_WORLD = ("größer", "ошибка", "провал", "エラー", "💥", "💥💥", '{"code": "größer"}')


def failures(messages: Iterable[str]) -> list[TaskRow]:
    """Return the tasks, and one that failed with each of the messages."""
    failed = (
        TaskRow(number, "failed", at(1), at(2), None, at(number - 80), message)
        for number, message in enumerate(messages, 100)
    )
    return [*TASKS, *failed]


@on("postgresql-by-url")
def test_messages_are_read_to_the_letter_under_a_collation_of_icu(engine: sa.Engine) -> None:
    create_case_insensitive(engine)
    tasks = failures(ALIKE_MESSAGES)
    store(engine, job_table(error_message=sa.Text(collation="case_insensitive")), tasks)
    source = TaskSource(job_table(), request_id="request_id")
    expected = expected_snapshot(tasks, WINDOW, limit=100)
    assert expected == snapshot_of(engine, source, TASK_METRICS_TOP_ERRORS=100)


@pytest.fixture(params=["latin1", "utf8"])
def engine_in_charset(request: pytest.FixtureRequest, database_url: str) -> Iterator[sa.Engine]:
    """Yield an engine whose connections have a character set of their own."""
    url = sa.make_url(database_url).update_query_dict({"charset": request.param})
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


with_charsets = on("mariadb", "mysql")


@with_charsets
@pytest.mark.parametrize(
    ("engine_in_charset", "done"),
    [("latin1", "fertig-ü"), ("utf8", "fertig-ü"), ("utf8", "готово"), ("cp1251", "готово")],
    indirect=["engine_in_charset"],
)
def test_connection_s_character_set_changes_no_status(
    engine: sa.Engine, engine_in_charset: sa.Engine, done: str
) -> None:
    table = job_table()
    store(engine, table, status=lambda status: done if status == "completed" else status)
    source = TaskSource(table, request_id="request_id", statuses={"completed": done})
    assert EXPECTED == snapshot_of(engine_in_charset, source)


@with_charsets
def test_connection_s_character_set_changes_no_message(
    engine: sa.Engine, engine_in_charset: sa.Engine
) -> None:
    table = job_table()
    tasks = failures(MESSAGES_OF_THE_WORLD)
    store(engine, table, tasks)
    source = TaskSource(table, request_id="request_id")
    expected = expected_snapshot(tasks, WINDOW, limit=100)
    assert expected == snapshot_of(engine_in_charset, source, TASK_METRICS_TOP_ERRORS=100)


@with_charsets
@pytest.mark.parametrize("code", ["Überlauf", "ошибка", "💥"])
def test_connection_s_character_set_changes_no_error_code(
    engine: sa.Engine, engine_in_charset: sa.Engine, code: str
) -> None:
    table = job_table(error_code=sa.String(20))
    store(engine, table)
    with engine.begin() as connection:
        connection.execute(sa.update(table).values(error_code=code))
    source = TaskSource(table, error_code="error_code")
    assert [(code, 3)] == codes_of(snapshot_of(engine_in_charset, source))
