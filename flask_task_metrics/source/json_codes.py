"""The code in a JSON object, as applications and the bodies of HTTP APIs have it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_CODE_KEYS = ("code", "error_code", "errorCode")
_ERROR_KEYS = (*_CODE_KEYS, "type", "status", "name")
_TYPE_KEYS = ("type", "exc_type", "exception_type", "exception_class")

_NO_CODE = re.compile(r"[\s/]")
"""A sentence, a path or a URL is no code."""


def json_code(text: str) -> str | None:
    """Return the first code of a JSON object; None if it has none, or the text is no JSON object.

    The codes are `code`, `error_code` and `errorCode`; then these, `type`, `status` and `name` of
    an object under `error`; then the class in `type`, `exc_type`, `exception_type` or
    `exception_class`. Whole numbers come after all strings: the code of
    `{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}` is `RESOURCE_EXHAUSTED`.
    """
    if not text.startswith("{"):
        return None
    try:
        values = list(_values(json.loads(text)))
    except (ValueError, RecursionError):
        return None
    strings = (value.strip() for value in values if isinstance(value, str))
    numbers = (str(value) for value in values if type(value) is int)
    return next(filter(_is_code, strings), None) or next(numbers, None)


def _values(document: dict[str, Any]) -> Iterator[Any]:
    error = document.get("error")
    yield from map(document.get, _CODE_KEYS)
    yield from map(error.get, _ERROR_KEYS) if isinstance(error, dict) else ()
    yield from map(_class_name, map(document.get, _TYPE_KEYS))


def _class_name(value: Any) -> Any:
    return value.rpartition(".")[2] if isinstance(value, str) else value


def _is_code(text: str) -> bool:
    return bool(text) and not _NO_CODE.search(text)
