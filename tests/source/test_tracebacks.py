"""From a traceback to the exception that it ends with."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from flask_task_metrics.source.error_codes import error_code
from tests.support import oracle

PYDANTIC = """\
Traceback (most recent call last):
  File "/srv/app/tasks.py", line 8, in render
    Prompt(words="many", engine=7)
  File "/srv/app/lib/pydantic/main.py", line 280, in __init__
    validated_self = self.__pydantic_validator__.validate_python(data, self_instance=self)
                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
pydantic_core._pydantic_core.ValidationError: 2 validation errors for Prompt
words
  Input should be a valid integer, unable to parse string as an integer [type=int_parsing]
    For further information visit https://errors.pydantic.dev/2.14/v/int_parsing
engine
  Input should be a valid string [type=string_type, input_value=7, input_type=int]
    For further information visit https://errors.pydantic.dev/2.14/v/string_type
"""

GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/srv/app/tasks.py", line 10, in render
  |     raise ExceptionGroup("eg", [ValueError(1), ExceptionGroup("n", [TypeError(2)])])
  | ExceptionGroup: eg (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/srv/app/tasks.py", line 4, in frame
    |     raise ValueError(1)
    | ValueError: 1
    +---------------- 2 ----------------
    | ExceptionGroup: n (1 sub-exception)
    +-+---------------- 1 ----------------
      | TypeError: 2
      +------------------------------------
"""

CHAINED_GROUP = f"""\
Traceback (most recent call last):
  File "/srv/app/tasks.py", line 3, in main
    render()
KeyError: 'x'

During handling of the above exception, another exception occurred:

{GROUP}"""


def traceback_of(function: Callable[[], object]) -> str:
    try:
        function()
    except BaseException:  # noqa: BLE001 - whatever it is, its text is wanted
        return traceback.format_exc()
    raise AssertionError


def fail() -> None:
    raise ConnectionRefusedError("the engine\nrefused")


def fail_while_handling() -> None:
    try:
        fail()
    except OSError:
        _ = dict[str, str]()["engine"]


def fail_from_another() -> None:
    try:
        fail()
    except OSError as error:
        raise LookupError("no engine") from error


def fail_in_a_statement() -> None:
    engine = sa.create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT :a\nFROM\nnowhere"), {"a": 'x\n  File "y", line 1'})
    finally:
        engine.dispose()


def fail_with_a_class_of_its_own() -> None:
    class OutOfLight(Exception):
        pass

    raise OutOfLight


def fail_with_a_note() -> None:
    error = TimeoutError("no answer")
    error.add_note("KeyError: is a note\nand goes on")
    raise error


def recurse() -> None:
    recurse()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (fail, "ConnectionRefusedError"),
        (fail_while_handling, "KeyError"),
        (fail_from_another, "LookupError"),
        (fail_in_a_statement, "OperationalError"),
        (fail_with_a_class_of_its_own, "OutOfLight"),
        (recurse, "RecursionError"),
        (lambda: exec("1 +"), "SyntaxError"),  # noqa: S102 - the error is what is wanted
        *([(fail_with_a_note, "TimeoutError")] if sys.version_info >= (3, 11) else []),
    ],
)
def test_code_of_a_traceback_is_the_class_of_the_exception_it_ends_with(
    function: Callable[[], object], expected: str
) -> None:
    assert expected == error_code(None, traceback_of(function))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (PYDANTIC, "ValidationError"),
        (GROUP, "ExceptionGroup"),
        (GROUP.strip(), "ExceptionGroup"),
        (CHAINED_GROUP, "ExceptionGroup"),
        (f"\n\t{PYDANTIC}", "ValidationError"),
        (PYDANTIC.replace("\n", "\r\n"), "ValidationError"),
        (GROUP.replace("\n", "\r\n"), "ExceptionGroup"),
    ],
    ids=["pydantic", "group", "trimmed group", "chained group", "indented", "CRLF", "group, CRLF"],
)
def test_code_of_another_s_traceback_is_the_class_of_the_exception_it_ends_with(
    message: str, expected: str
) -> None:
    assert expected == error_code(None, message) == oracle.code_of_message(message)


HEADER = "Traceback (most recent call last):"


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "\nValueError: without a frame",
        '\n  File "tasks.py", line 1, in render\n    fail()',
        '\n  File "tasks.py", line 1, in render\n    fail()\nprose about it',
        '\n  File "tasks.py", line 1, in render\nValueError: ' + "x" * 20_000,
    ],
    ids=["header", "no frame", "cut off", "no class", "a long text"],
)
def test_a_traceback_without_a_class_has_the_code_of_its_first_line(rest: str) -> None:
    assert HEADER == error_code(None, HEADER + rest) == oracle.code_of_message(HEADER + rest)


def test_frames_in_another_text_make_no_traceback() -> None:
    message = f'render failed: {HEADER}\n  File "tasks.py", line 1\nValueError: no'
    assert message.splitlines()[0] == error_code(None, message)


def test_code_of_a_long_traceback_is_in_its_last_10_000_characters() -> None:
    frame = '  File "tasks.py", line 1, in render\n'
    message = f"{HEADER}\n{frame * 1_000}ValueError: no\n"
    assert "ValueError" == error_code(None, message)
    assert "ValueError" == error_code(None, f"{' ' * 9_000}{message}")


def test_code_of_a_long_group_is_in_its_first_10_000_characters() -> None:
    assert "ExceptionGroup" == error_code(None, GROUP + "    | more\n" * 10_000)
