"""A message is read as what it is on every database, whatever bytes are in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from flask_task_metrics import TaskReference, TaskSource
from tests.support.databases import created_database, on, run
from tests.support.host import Base, Task, add_tasks, snapshot_of
from tests.support.jobs import EXPECTED, job_table, store
from tests.support.tasks import codes_of, errors_of, failed

on_sqlite = on("sqlite")
on_mysql = on("mariadb", "mysql")

NO_UTF8 = "caf\ufffd is closed"
"""What the bytes `caf\\xe9 is closed` are as UTF-8."""


def add_failure(engine: sa.Engine, message: str) -> None:
    """Add a task whose message is a SQL expression."""
    add_tasks(engine, failed(None) | {"error_message": sa.literal_column(message)})


def as_bytes(message: bytes) -> str:
    return f"x'{message.hex()}'"


@on_sqlite
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"ENGINE_TIMEOUT: no answer", "ENGINE_TIMEOUT"),
        ("größer".encode(), "größer"),
        (b"caf\xe9 is closed", NO_UTF8),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\xed\xa0\x80", "\ufffd" * 3),
        (b"before\0after", "before\0after"),
        (b" " * 1_500 + b"\0caf\xe9", "\0caf\ufffd"),
        (b'{"code": "E_T", "at": "' + b"x" * 2_000 + b'\\u0000"}', "E_T"),
        (b"", "UNKNOWN"),
    ],
    ids=repr,
)
def test_bytes_are_read_as_utf8(engine: sa.Engine, message: bytes, expected: str) -> None:
    add_failure(engine, as_bytes(message))
    assert [(expected, 1)] == codes_of(snapshot_of(engine))


@on_sqlite
def test_bytes_and_text_of_the_same_letters_are_one_error(engine: sa.Engine) -> None:
    add_failure(engine, as_bytes("größer".encode()))
    add_failure(engine, "'größer'")
    assert [("größer", 2)] == codes_of(snapshot_of(engine))


@on_sqlite
def test_bytes_in_any_column_of_a_task_leave_its_figures_readable(engine: sa.Engine) -> None:
    add_tasks(engine, failed("NO_ANSWER", id=7), {"status": "queued"})
    run(engine, "UPDATE tasks SET request_id = x'e9', status = CAST(x'e9' AS TEXT) WHERE id = 8")
    run(engine, "UPDATE tasks SET request_id = CAST(x'72e9' AS TEXT) WHERE id = 7")
    expected = [TaskReference(task_id="7", request_id="r\ufffd")]
    assert expected == [error.sample for error in errors_of(snapshot_of(engine))]


@on("sqlite", "mariadb", "mysql")
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("ENGINE_TIMEOUT: \0", "ENGINE_TIMEOUT"),
        ("\0ENGINE_TIMEOUT: no answer", "\0ENGINE_TIMEOUT: no answer"),
        ("it broke\0 in 31 s", "it broke\0 in <n> s"),
        ("é" * 50 + "\0" + "é" * 2_000, "é" * 50 + "\0" + "é" * 49),
        ("\0" + " " * 998 + "yz", "\0 y"),
        (" \0" + "x" * 30_000, "\0" + "x" * 99),
        ('{"code": "E_T", "at": "' + "x" * 2_000 + '"}\n\0', '{"code": "E_T", "at": "' + "x" * 77),
    ],
    ids=repr,
)
def test_a_nul_is_a_character_like_any_other(
    engine: sa.Engine, message: str, expected: str
) -> None:
    add_tasks(engine, failed(message))
    assert [(expected, 1)] == codes_of(snapshot_of(engine))


@on("sqlite", "mariadb", "mysql")
def test_messages_that_differ_behind_a_nul_are_apart(engine: sa.Engine) -> None:
    add_tasks(engine, *map(failed, ["it broke\0a", "it broke\0b", "it broke\0b", "it broke"]))
    expected = [("it broke\0b", 2), ("it broke", 1), ("it broke\0a", 1)]
    assert expected == codes_of(snapshot_of(engine))


def test_a_lone_surrogate_in_json_is_a_character_like_any_other(engine: sa.Engine) -> None:
    add_tasks(engine, failed(json.dumps({"code": "E\ud800"})), failed('{"code": "E"}'))
    assert [("E", 1), ("E\ud800", 1)] == codes_of(snapshot_of(engine))


@on_sqlite
def test_a_host_s_own_text_factory_changes_no_figure_and_stays(
    engine: sa.Engine, database_url: str
) -> None:
    add_tasks(engine, failed("größer", id=7, request_id="req_7"))
    host = sa.create_engine(database_url, pool_size=1)

    @sa.event.listens_for(host, "connect")
    def set_text_factory(connection: Any, record: Any) -> None:
        connection.text_factory = bytes

    found = snapshot_of(host)
    with host.connect() as connection:
        texts = connection.exec_driver_sql("SELECT request_id FROM tasks").scalars().all()
    host.dispose()
    assert [("größer", 1)] == codes_of(found)
    assert [b"req_7"] == texts


@on_sqlite
def test_a_database_in_utf16_has_the_same_figures(database_url: str) -> None:
    engine = sa.create_engine(database_url)
    run(engine, "PRAGMA encoding = 'UTF-16'")
    Base.metadata.create_all(engine)
    messages = ["größer\0 als 7", "💥" * 2_000, " " * 25_000 + "💥", "\n" + "💥" * 25_000, "E_T"]
    add_tasks(engine, *map(failed, messages))
    expected = [("E_T", 1), ("UNKNOWN", 1), ("größer\0 als <n>", 1), ("💥" * 100, 2)]
    found = snapshot_of(engine)
    engine.dispose()
    assert sorted(expected) == sorted(codes_of(found))


@on_mysql
def test_padded_columns_have_the_same_figures(engine: sa.Engine, database_url: str) -> None:
    char = {"status": sa.CHAR(32), "error_message": sa.CHAR(200), "request_id": sa.CHAR(128)}
    table = job_table(**char)
    store(engine, table)
    mode = "PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH,NO_ENGINE_SUBSTITUTION"
    padding = sa.create_engine(
        database_url, pool_size=1, connect_args={"init_command": f"SET sql_mode = '{mode}'"}
    )
    found = snapshot_of(padding, TaskSource(table, request_id="request_id"))
    with padding.connect() as connection:
        mode_afterwards = connection.exec_driver_sql("SELECT @@sql_mode").scalar_one()
    padding.dispose()
    assert EXPECTED == found
    assert set(mode.split(",")) == set(mode_afterwards.split(","))


@pytest.fixture
def ascii_engine(request: pytest.FixtureRequest, postgresql: sa.URL) -> Iterator[sa.Engine]:
    """Yield an engine of a PostgreSQL database that takes any bytes for text."""
    with created_database(postgresql, "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0") as url:
        # Without a client encoding, SQLAlchemy can't read the server's version.
        engine = sa.create_engine(
            url.set(drivername=f"postgresql+{request.param}"),
            connect_args={"client_encoding": "utf8"},
        )
        Base.metadata.create_all(engine)
        yield engine
        engine.dispose()


@pytest.mark.database("postgresql")
@pytest.mark.parametrize("ascii_engine", ["psycopg", "psycopg2"], indirect=True)
def test_a_database_without_an_encoding_is_read_as_utf8(ascii_engine: sa.Engine) -> None:
    add_tasks(ascii_engine, failed("größer"))
    with ascii_engine.begin() as connection:
        raw = sa.func.convert_from(b"caf\xe9 is closed", "SQL_ASCII")
        connection.execute(sa.insert(Task).values(failed(None) | {"error_message": raw}))
    assert sorted([("größer", 1), (NO_UTF8, 1)]) == sorted(codes_of(snapshot_of(ascii_engine)))
