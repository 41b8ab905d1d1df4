"""The log of exceptions: tracebacks in which nothing of a row can break a line."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

from flask_task_metrics.logfmt import one_line

from .logger import logger

CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def log_error(message: str, error: BaseException) -> None:
    """Log a message and the traceback of an exception at level ERROR.

    The record has the exception itself as `record.exc_info`, for handlers that report it.
    """
    log = logger()
    if log.isEnabledFor(logging.ERROR):
        exc_info = (type(error), error, error.__traceback__)
        record = log.makeRecord(
            log.name, logging.ERROR, __file__, 0, message, (), exc_info, "log_error"
        )
        # A formatter shows this text instead of formatting the exception.
        record.exc_text = escaped_traceback(error)
        log.handle(record)


def escaped_traceback(error: BaseException) -> str:
    """Return the traceback of an exception and those behind it, each one's text on one line:
    `ValueError: a\\nb`.
    """
    return "".join(_blocks(error, set())).removesuffix("\n")


def _blocks(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    cause, context = error.__cause__, error.__context__
    if cause is not None and id(cause) not in seen:
        yield from (*_blocks(cause, seen), CAUSE)
    elif context is not None and not error.__suppress_context__ and id(context) not in seen:
        yield from (*_blocks(context, seen), CONTEXT)
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(error.__traceback__)
    text = one_line(error)
    yield f"{_class_name(type(error))}{': ' * bool(text)}{text}\n"
    yield from (f"{one_line(note)}\n" for note in getattr(error, "__notes__", ()))


def _class_name(error_type: type[BaseException]) -> str:
    module, name = error_type.__module__, error_type.__qualname__
    return name if module == "builtins" else f"{module}.{name}"
