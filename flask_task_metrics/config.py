"""The settings: every `TASK_METRICS_…` key with its default and its check, read once at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .exceptions import ConfigurationError
from .figures import Condition, conditions_of
from .setting_checks import (
    LogRequests,
    check_bind_key,
    check_boolean,
    check_header_name,
    check_log_requests,
    check_paths,
    check_secrets,
    check_url_prefix,
    check_whole_number,
)
from .source import TaskSource

PREFIX = "TASK_METRICS_"
A_CENTURY_OF_MINUTES = 100 * 366 * 24 * 60
A_CENTURY_OF_SECONDS = 60 * A_CENTURY_OF_MINUTES
A_DAY_OF_MS = 24 * 60 * 60 * 1000

SHORT_SECRET = 16


def _setting(default: Any, check: Callable[[str, Any], Any], **options: Any) -> Any:
    """Return a dataclass field with a default, and the check of a configured value."""
    return field(default=default, metadata={"check": check}, **options)


@dataclass(frozen=True)
class Settings:
    """The host's configuration, checked.

    Each field is a key: `top_errors` is `TASK_METRICS_TOP_ERRORS`.
    """

    admin_secret: tuple[bytes, ...] = _setting((), check_secrets, repr=False)
    url_prefix: str = _setting("/api/admin", check_url_prefix)
    default_minutes: int = _setting(60, check_whole_number(1, A_CENTURY_OF_MINUTES))
    max_minutes: int = _setting(1440, check_whole_number(1, A_CENTURY_OF_MINUTES))
    top_errors: int = _setting(5, check_whole_number(1, 1000))
    timeout_ms: int = _setting(10_000, check_whole_number(0, A_DAY_OF_MS))
    max_concurrent: int = _setting(2, check_whole_number(1, 1000))
    bind_key: str | Mapping[str, str] | None = _setting(None, check_bind_key)
    request_id_header: str = _setting("X-Request-Id", check_header_name)
    log_requests: LogRequests = _setting("all", check_log_requests)
    log_exclude: tuple[str, ...] = _setting((), check_paths)
    stalled_seconds: int = _setting(300, check_whole_number(1, A_CENTURY_OF_SECONDS))
    stuck_seconds: int = _setting(3600, check_whole_number(1, A_CENTURY_OF_SECONDS))
    checks: tuple[Condition, ...] = _setting((), conditions_of)
    prometheus_minutes: int = _setting(5, check_whole_number(1, A_CENTURY_OF_MINUTES))
    dashboard: bool = _setting(False, check_boolean)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Read the keys that begin with `TASK_METRICS_`; None counts as not set.

        Raises `ConfigurationError` for an unknown key and for an invalid value.
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
        given_values = {field.name: value for field, value in checked.items()}
        settings = cls(**cls._within_most(given_values) | given_values)
        for name in ("default_minutes", "prometheus_minutes"):
            if (minutes := getattr(settings, name)) > settings.max_minutes:
                raise ConfigurationError(
                    f"{PREFIX}{name.upper()} is {minutes}; "
                    f"it must be at most {PREFIX}MAX_MINUTES, which is {settings.max_minutes}"
                )
        return settings

    @classmethod
    def _within_most(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the default window of a scrape: the host may allow only shorter ones."""
        most = given.get("max_minutes", cls.max_minutes)
        return {"prometheus_minutes": min(cls.prometheus_minutes, most)}

    def bind_of(self, source: str | None) -> str | None:
        """Return the bind that `bind_key` gives to a source; None if it leaves out the source."""
        if isinstance(self.bind_key, Mapping):
            return None if source is None else self.bind_key.get(source)
        return self.bind_key

    def check_source(self, source: TaskSource) -> None:
        """Raise `ConfigurationError` for a condition on a figure that a source does not record."""
        for condition in self.checks:
            condition.check_recorded(f"{PREFIX}CHECKS", source)

    @property
    def request_id_environ(self) -> str:
        """Return the name of the request id header in the WSGI environ: `HTTP_X_REQUEST_ID`."""
        return f"HTTP_{self.request_id_header.upper().replace('-', '_')}"

    @property
    def weakness(self) -> str | None:
        """Return a warning about a missing or short admin secret; None for a good one."""
        key = f"{PREFIX}ADMIN_SECRET"
        if not self.admin_secret:
            paths = f"{self.url_prefix}/metrics…"
            return f"{key} is not set; every request to {paths} is answered with 401"
        if any(len(secret.decode(errors="replace")) < SHORT_SECRET for secret in self.admin_secret):
            return f"{key} has a secret shorter than {SHORT_SECRET} characters; it can be guessed"
        return None
