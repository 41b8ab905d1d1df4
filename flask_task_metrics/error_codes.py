"""From a failed task's message to its error code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TypeAlias

from .exceptions import TaskMetricsError

ErrorCodeOf: TypeAlias = Callable[[str], str | None]
"""A host's own reading of a message, which it gets trimmed and never empty; None leaves it to the
rules of this module.
"""

UNKNOWN = "UNKNOWN"

PATTERN_LENGTH = 100

_LEADING_CODE = re.compile(
    r"""\[?(?:
        (?P<compound>[A-Z][A-Z0-9]*_[A-Z0-9_]*)(?!\w)
      | (?P<word>[A-Z][A-Z0-9]{2,})(?=[:\]]|\Z)
    )""",
    re.VERBOSE,
)
_EXCEPTION = re.compile(
    r"(?:[^\W\d]\w*\.)*(?P<name>(?!\d)\w*(?:Error|Exception|Warning|Timeout|Exit|Interrupt))(?=[:(]|\Z)"
)
_JSON_KEYS = ("code", "error_code", "errorCode")
# UUIDs and runs of hex digits first, then numbers; a pattern that ignored case would be slow.
_HEX = "[0-9a-fA-F]"
_ID_LENGTH = 8
_VARYING = re.compile(
    rf"{_HEX}{{{_ID_LENGTH}}}(?:(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}|{_HEX}*)|[0-9]+"
)


def error_code(code: str | None, message: str | None, code_of: ErrorCodeOf | None = None) -> str:
    """The error code of a failed task: its own `code` (trimmed) where it has one, else the one its
    message stands for.

    `code_of` is the host's own reading of a message; where that is None for a message the rules of
    this module apply.
    """
    own = (code or "").strip()
    text = (message or "").strip()
    if own or not text:
        return own or UNKNOWN
    return _host_code(text, code_of) or code_of_message(text)


def _host_code(text: str, code_of: ErrorCodeOf | None) -> str | None:
    code = code_of(text) if code_of else None
    if not isinstance(code, str | None):
        raise TaskMetricsError(f"error_code_of returned {code!r}; it must return a string, or None")
    return code


def code_of_message(text: str) -> str:
    """The error code that a message, trimmed and not empty, stands for.

    The first of these that applies: a leading code (`ENGINE_TIMEOUT: no answer`), a leading Python
    exception (`ValueError: bad`), the code of a JSON object, the pattern of the message's first
    line.
    """
    return _leading_code(text) or _exception(text) or _json_code(text) or _pattern(text)


def _leading_code(text: str) -> str | None:
    match = _LEADING_CODE.match(text)
    return match and (match["compound"] or match["word"])


def _exception(text: str) -> str | None:
    match = _EXCEPTION.match(text)
    return match and match["name"]


def _json_code(text: str) -> str | None:
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    codes = (value[key].strip() for key in _JSON_KEYS if isinstance(value.get(key), str))
    return next(filter(None, codes), None)


def _pattern(text: str) -> str:
    line = " ".join(text.splitlines()[0].split())
    return _VARYING.sub(_placeholder, line)[:PATTERN_LENGTH]


def _placeholder(run: re.Match[str]) -> str:
    # Letters alone may be a word.
    return run[0] if run[0].isalpha() else "<id>" if len(run[0]) >= _ID_LENGTH else "<n>"
