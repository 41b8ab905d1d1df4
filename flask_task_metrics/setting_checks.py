"""The check of each setting's value: it returns the value as the package uses it.

Each raises `ConfigurationError` with the key, the value and a right one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Literal, TypeAlias, get_args

from .exceptions import ConfigurationError

TAKEN_HEADERS = frozenset(
    [
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "keep-alive",
        "location",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "retry-after",
        "set-cookie",
        "te",
        "traceparent",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "www-authenticate",
        "x-admin-secret",
    ]
)
"""Headers that carry a secret, or that clients, servers and proxies act on; in lower case."""

LogRequests: TypeAlias = Literal["all", "blueprint", "none"]


def _expect(holds: bool, key: str, value: object, expected: str) -> None:
    if not holds:
        raise ConfigurationError(f"{key} is {value!r}; it must be {expected}")


def check_secrets(key: str, value: Any) -> tuple[bytes, ...]:
    """Return one secret or several as bytes; no error message contains one."""
    several = (value,) if isinstance(value, str | bytes) else value
    # A mapping would iterate over its keys, which name secrets and are none.
    if not isinstance(several, Sequence):
        raise ConfigurationError(
            f"{key} is of type {type(value).__name__}; it must be a string, or a sequence of them"
        )
    return tuple(_secret(key, secret) for secret in several)


def _secret(key: str, secret: Any) -> bytes:
    """Return a secret as the bytes that a client sends; no error message contains it."""
    if not isinstance(secret, str | bytes):
        raise ConfigurationError(
            f"{key} has a secret of type {type(secret).__name__}; it must be a string"
        )
    try:
        sent = secret.encode() if isinstance(secret, str) else secret
    except UnicodeEncodeError:
        # The message of this error would contain the secret.
        raise ConfigurationError(f"{key} has a secret that is not valid UTF-8") from None
    if not sent or sent != sent.strip() or re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", sent):
        raise ConfigurationError(
            f"{key} has a secret that no HTTP header can carry: it is empty, or has a control "
            "character or white space at an end (the new line of the file it was read from?)"
        )
    return sent


def check_url_prefix(key: str, value: Any) -> str:
    """Return a fixed path."""
    holds = isinstance(value, str) and re.fullmatch(r"(/[^/<>?#\s]+)+", value) is not None
    _expect(
        holds,
        key,
        value,
        "a fixed path such as '/api/admin', with a slash at the start and none at the end",
    )
    return str(value)


def check_whole_number(least: int, most: int) -> Callable[[str, Any], int]:
    """Return the check of a whole number within bounds."""

    def check(key: str, value: Any) -> int:
        holds = type(value) is int and least <= value <= most
        _expect(holds, key, value, f"a whole number from {least} to {most}")
        return int(value)

    return check


def check_boolean(key: str, value: Any) -> bool:
    """Return True or False; a text such as `"false"` is neither."""
    _expect(isinstance(value, bool), key, value, "True or False")
    return bool(value)


def check_bind_key(key: str, value: Any) -> str | dict[str, str]:
    """Return the name of a bind, or a mapping of sources to binds."""
    names = (*value, *value.values()) if isinstance(value, Mapping) else (value,)
    holds = all(isinstance(name, str) and name != "" for name in names)
    _expect(holds, key, value, "the name of one of your binds, or a mapping of sources to binds")
    return dict(value) if isinstance(value, Mapping) else str(value)


def check_header_name(key: str, value: Any) -> str:
    """Return the name of a header that has no meaning of its own."""
    holds = (
        isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value) is not None
    )
    _expect(holds, key, value, "the name of an HTTP header, such as 'X-Request-Id'")
    _expect(value.lower() not in TAKEN_HEADERS, key, value, "a header without a meaning of its own")
    return str(value)


def check_paths(key: str, value: Any) -> tuple[str, ...]:
    """Return paths."""
    holds = isinstance(value, Sequence | Set) and not isinstance(value, str | bytes)
    holds = holds and all(isinstance(path, str) and path.startswith("/") for path in value)
    _expect(holds, key, value, "a sequence of paths, such as ('/healthz',)")
    return tuple(value)


def check_log_requests(key: str, value: Any) -> LogRequests:
    """Return one of the choices of requests to log."""
    choices: tuple[LogRequests, ...] = get_args(LogRequests)
    _expect(value in choices, key, value, f"one of {', '.join(choices)}")
    return choices[choices.index(value)]
