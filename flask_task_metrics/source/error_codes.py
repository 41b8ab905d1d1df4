"""The error code of a failed task, from its code column or its message."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from flask_task_metrics.exceptions import TaskMetricsError

from .json_codes import json_code
from .tracebacks import GROUP, TRACEBACK, traceback_code

ErrorCodeOf: TypeAlias = Callable[[str], str | None]
"""A host's function from the readable part of a message (never empty) to its code. Where it returns
None, the rules of this module apply.
"""

UNKNOWN = "UNKNOWN"

CODE_LENGTH = 100

START_LENGTH = 1_000
"""The characters of a code column or a message that its code is read from."""

LONG_LENGTH = 10_000
"""The characters of a JSON object or a traceback that its code is read from."""

ASCII_SPACE = "\t\n\v\f\r\x1c\x1d\x1e\x1f "
"""White space that may stand before a JSON object or a traceback."""

_LEADING_NAME = re.compile(
    r"""\[?(?:
        (?P<compound>[A-Z][A-Z0-9]*_[A-Z0-9_]*)(?!\w)
      | (?P<word>[A-Z][A-Z0-9]{2,})(?=[:\]]|\Z)
    )
  | (?:[^\W\d]\w*\.)*
    (?P<exception>(?!\d)\w*(?:Error|Exception|Warning|Timeout|Exit|Interrupt))(?=[:(]|\Z)
    """,
    re.VERBOSE,
)
# UUIDs and runs of hex digits come before numbers. Ignoring case would make the pattern slow.
_HEX = "[0-9a-fA-F]"
_ID_LENGTH = 8
_VARYING = re.compile(
    rf"{_HEX}{{{_ID_LENGTH}}}(?:(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}|{_HEX}*)|[0-9]+"
)
_DIGIT = re.compile("[0-9]")
_AFTER_ID = re.compile("[^0-9a-fA-F-]")


def error_code(code: str | None, message: str | None, code_of: ErrorCodeOf | None = None) -> str:
    """Return a failed task's error code: its own `code` (trimmed), or else the code in its message.

    It is cut at 100 characters. `code_of` is the host's own function from a message to its code.
    """
    own = (code or "")[:START_LENGTH].strip()
    text = own or readable_part(message or "")
    found = own or (text and (_host_code(text, code_of) or code_of_message(text)))
    return found[:CODE_LENGTH] or UNKNOWN


def readable_part(message: str) -> str:
    """Return the part of a message that its code is read from, trimmed.

    It is the first 1,000 characters; of a JSON object or an exception group the first 10,000; of a
    traceback its first line and the last 10,000.
    """
    head = message[:LONG_LENGTH].lstrip(ASCII_SPACE)
    if head.startswith(TRACEBACK) and len(message) > LONG_LENGTH:
        return f"{TRACEBACK}\n{message[-LONG_LENGTH:].rstrip()}"
    is_long = head.startswith(("{", TRACEBACK, GROUP))
    return head.rstrip() if is_long else head[:START_LENGTH].strip()


def _host_code(text: str, code_of: ErrorCodeOf | None) -> str | None:
    code = code_of(text) if code_of else None
    if not isinstance(code, str | None):
        raise TaskMetricsError(f"error_code_of returned {code!r}; it must return a string, or None")
    return code


def code_of_message(text: str) -> str:
    """Return the error code of the readable part of a message, which must not be empty.

    The first of these rules that applies: a leading code (`ENGINE_TIMEOUT: no answer`), a leading
    Python exception (`ValueError: bad`), the exception that ends a traceback, the code of a JSON
    object (`{"code": "QUOTA"}`), the pattern of the first line (`timed out after <n> s`).
    """
    code = _leading_name(text) or traceback_code(text) or json_code(text) or _pattern(text)
    return code[:CODE_LENGTH]


def _leading_name(text: str) -> str | None:
    match = _LEADING_NAME.match(text)
    return match and (match["compound"] or match["word"] or match["exception"])


def _pattern(text: str) -> str:
    line = " ".join(text.splitlines()[0].split())
    # Without a digit nothing varies, and looking for one takes a sixth of the time.
    if not _DIGIT.search(line):
        return line
    # A message's start is usually enough, if it does not end inside an id.
    end = _AFTER_ID.search(line, 2 * CODE_LENGTH)
    start = _VARYING.sub(_placeholder, line[: end.start()] if end else line)
    return start if len(start) >= CODE_LENGTH else _VARYING.sub(_placeholder, line)


def _placeholder(run: re.Match[str]) -> str:
    # A run of letters alone may be a word, such as "deadbeef".
    return run[0] if run[0].isalpha() else "<id>" if len(run[0]) >= _ID_LENGTH else "<n>"
