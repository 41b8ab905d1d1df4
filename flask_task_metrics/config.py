"""The settings: every `TASK_METRICS_…` key with its default, read once at start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias, get_args

import sqlalchemy as sa
from flask import current_app

from .exceptions import ConfigurationError
from .snapshot import Snapshot
from .source import TaskSource

EXTENSION_KEY = "task_metrics"
PREFIX = "TASK_METRICS_"
A_CENTURY_OF_MINUTES = 100 * 366 * 24 * 60
A_DAY_OF_MS = 24 * 60 * 60 * 1000

SHORT_SECRET = 16

LogRequests: TypeAlias = Literal["all", "blueprint", "none"]


def _expect(holds: bool, key: str, value: object, expected: str) -> None:
    if not holds:
        raise ConfigurationError(f"{key} is {value!r}; it must be {expected}")


def _secrets(key: str, value: Any) -> tuple[bytes, ...]:
    several = (value,) if isinstance(value, str | bytes) else value
    if not isinstance(several, Iterable):
        raise ConfigurationError(
            f"{key} is of type {type(value).__name__}; it must be a string, or several"
        )
    return tuple(_secret(key, secret) for secret in several)


def _secret(key: str, secret: Any) -> bytes:
    """A secret as the bytes that a client sends; no message shows it."""
    if not isinstance(secret, str | bytes):
        raise ConfigurationError(
            f"{key} has a secret of type {type(secret).__name__}; it must be a string"
        )
    try:
        sent = secret.encode() if isinstance(secret, str) else secret
    except UnicodeEncodeError:
        # Its message would show the secret.
        raise ConfigurationError(f"{key} has a secret that is not valid UTF-8") from None
    if not sent or sent != sent.strip() or re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", sent):
        raise ConfigurationError(
            f"{key} has a secret that no HTTP header can carry: it is empty, or has a control "
            "character or white space at an end (the new line of the file it was read from?)"
        )
    return sent


def _url_prefix(key: str, value: Any) -> str:
    holds = isinstance(value, str) and re.fullmatch(r"(/[^/<>?#\s]+)+", value) is not None
    _expect(
        holds,
        key,
        value,
        "a fixed path such as '/api/admin', with a slash at the start and none at the end",
    )
    return str(value)


def _whole_number(least: int, most: int) -> Callable[[str, Any], int]:
    def check(key: str, value: Any) -> int:
        holds = type(value) is int and least <= value <= most
        _expect(holds, key, value, f"a whole number from {least} to {most}")
        return int(value)

    return check


def _bind_key(key: str, value: Any) -> str:
    _expect(isinstance(value, str) and value != "", key, value, "the name of one of your binds")
    return str(value)


def _header_name(key: str, value: Any) -> str:
    holds = (
        isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value) is not None
    )
    _expect(holds, key, value, "the name of an HTTP header, such as 'X-Request-Id'")
    return str(value)


def _log_requests(key: str, value: Any) -> LogRequests:
    choices: tuple[LogRequests, ...] = get_args(LogRequests)
    _expect(value in choices, key, value, f"one of {', '.join(choices)}")
    return choices[choices.index(value)]


def _setting(default: Any, check: Callable[[str, Any], Any], **options: Any) -> Any:
    """A field with its default, and what checks a value that is given for its key."""
    return field(default=default, metadata={"check": check}, **options)


@dataclass(frozen=True)
class Settings:
    """What the host configured, checked; each field is the key `TASK_METRICS_` and its name in
    capitals.
    """

    admin_secret: tuple[bytes, ...] = _setting((), _secrets, repr=False)
    url_prefix: str = _setting("/api/admin", _url_prefix)
    default_minutes: int = _setting(60, _whole_number(1, A_CENTURY_OF_MINUTES))
    max_minutes: int = _setting(1440, _whole_number(1, A_CENTURY_OF_MINUTES))
    top_errors: int = _setting(5, _whole_number(1, 1000))
    statement_timeout_ms: int = _setting(5000, _whole_number(0, A_DAY_OF_MS))
    bind_key: str | None = _setting(None, _bind_key)
    request_id_header: str = _setting("X-Request-Id", _header_name)
    log_requests: LogRequests = _setting("all", _log_requests)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Read the keys that begin with `TASK_METRICS_`; one that is None counts as not set.

        Raises `ConfigurationError` for a key that is not known and for an invalid value.
        """
        keys = {PREFIX + field.name.upper(): field for field in fields(cls)}
        given = {
            key: value
            for key, value in config.items()
            if key.startswith(PREFIX) and value is not None
        }
        if unknown := sorted(given.keys() - keys.keys()):
            raise ConfigurationError(
                f"{', '.join(unknown)} is not a setting; there are: {', '.join(keys)}"
            )
        checked = {
            keys[key]: keys[key].metadata["check"](key, value) for key, value in given.items()
        }
        settings = cls(**{field.name: value for field, value in checked.items()})
        if settings.default_minutes > settings.max_minutes:
            raise ConfigurationError(
                f"{PREFIX}DEFAULT_MINUTES is {settings.default_minutes}; "
                f"it must be at most {PREFIX}MAX_MINUTES, which is {settings.max_minutes}"
            )
        return settings

    @property
    def snapshot_path(self) -> str:
        """Where the snapshot is mounted."""
        return f"{self.url_prefix}/metrics-snapshot"

    @property
    def weakness(self) -> str | None:
        """What is wrong with the admin secret; None where nothing is."""
        key = f"{PREFIX}ADMIN_SECRET"
        if not self.admin_secret:
            return f"{key} is not set; every request to {self.snapshot_path} is answered with 401"
        if any(len(secret.decode(errors="replace")) < SHORT_SECRET for secret in self.admin_secret):
            return f"{key} has a secret shorter than {SHORT_SECRET} characters; it can be guessed"
        return None


@dataclass(frozen=True)
class State:
    """What an app keeps of the extension mounted on it; its functions want the app's context.

    `engine` is what the figures are read from, which may be a replica; `primary_engine` is where
    the table itself is.
    """

    settings: Settings
    snapshot: Callable[[int], Snapshot]
    source: TaskSource
    engine: Callable[[], sa.Engine]
    primary_engine: Callable[[], sa.Engine]


def current_state() -> State:
    """The state of the current app.

    Raises `ConfigurationError` where `TaskMetrics.init_app` was not called on it.
    """
    state = current_app.extensions.get(EXTENSION_KEY)
    if not isinstance(state, State):
        raise ConfigurationError(
            f"TaskMetrics is not mounted on {current_app.name!r}; call its init_app(app) first"
        )
    return state
