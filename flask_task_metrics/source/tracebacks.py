"""The exception that a Python traceback ends with."""

from __future__ import annotations

import re

TRACEBACK = "Traceback (most recent call last):"
GROUP = f"+ Exception Group {TRACEBACK}"
"""The first lines of a traceback, and of an exception group's, trimmed."""

_FRAMES = ('\n  File "', '\n  |   File "')
"""The beginnings of a frame's line, alone and in the margin of an exception group."""

_RAISED = re.compile(
    r"\n(?:  \| )?(?=\S)(?:(?:(?:[^\W\d]\w*|<locals>)\.)*(?P<name>[^\W\d]\w*)(?=:|\s*$))?",
    re.MULTILINE,
)
"""The first line behind the frames that is not indented: the exception's class, and its text."""


def traceback_code(text: str) -> str | None:
    """Return the class of the exception that a traceback ends with, without its dotted path.

    Tracebacks of chained exceptions end with the one that was raised last. Its text may go on for
    several lines, as those of SQLAlchemy and pydantic do; so do notes and the members of a group.
    """
    if not text.startswith((TRACEBACK, GROUP)):
        return None
    last_frame = max(map(text.rfind, _FRAMES))
    raised = _RAISED.search(text, last_frame + 1) if last_frame >= 0 else None
    return raised and raised["name"]
