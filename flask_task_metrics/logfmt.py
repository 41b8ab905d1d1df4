"""The `[METRICS]` line: an event and its fields as logfmt."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from .exceptions import InvalidMetricError

NAME = re.compile(r"[A-Za-z0-9_.-]+")


def check_names(*names: str) -> None:
    """Raise `InvalidMetricError` for an event or a field name that is not of `[A-Za-z0-9_.-]`."""
    for name in names:
        if not _is_name(name):
            raise InvalidMetricError(
                f"{name!r} can't name an event or a field; use letters, digits, '_', '.' and '-'"
            )


@lru_cache(maxsize=1024)
def _is_name(name: str) -> bool:
    return NAME.fullmatch(name) is not None


def metric_line(event: str, fields: Mapping[str, object]) -> str:
    """Return one line: `[METRICS] task.created taskId=812 engine=v2`."""
    pairs = [f"{name}={logfmt(value)}" for name, value in fields.items()]
    return " ".join(("[METRICS]", event, *pairs))


def logfmt(value: object) -> str:
    """Return a value as it stands in a line, quoted if it could break the line: `"a b"`.

    A value without a text becomes its type: `10**5000` is `"<unprintable int>"`.
    """
    text = value if type(value) is str else _text(value)
    return text if _is_plain(text) else one_line(json.dumps(text, ensure_ascii=False))


def _is_plain(text: str) -> bool:
    # A regular expression takes longer than these, in every request. The only white space that
    # prints is the space.
    return (
        text.isprintable()
        and " " not in text
        and '"' not in text
        and "=" not in text
        and "\\" not in text
        and text != ""
    )


def one_line(value: object) -> str:
    """Return a value's text with an escape for each character that does not print: `a\\nb`."""
    text = _text(value)
    return "".join(char if char.isprintable() else json.dumps(char).strip('"') for char in text)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a host's __str__ may raise anything
        return f"<unprintable {type(value).__name__}>"
