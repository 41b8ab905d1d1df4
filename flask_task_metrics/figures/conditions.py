"""The conditions of the check, and the reading of them from the host's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_task_metrics.exceptions import ConfigurationError
from flask_task_metrics.source import TaskSource

from .readings import READINGS
from .thresholds import Threshold


@dataclass(frozen=True)
class Condition:
    """The limits of a figure: `warn` has the values of a warning, `crit` the critical ones.

    With fewer than `min_ended` tasks ended, the figure has no data.
    """

    name: str
    warn: Threshold | None = None
    crit: Threshold | None = None
    min_ended: int = 0

    def check_recorded(self, key: str, source: TaskSource) -> None:
        """Raise `ConfigurationError` if a source does not record the figure."""
        reading = READINGS[self.name]
        if not reading.is_recorded(source):
            raise ConfigurationError(
                f"{key} has a condition on {self.name!r}, and the source has no {reading.needs}; "
                "map it, or leave out the condition"
            )


def conditions_of(key: str, value: object) -> tuple[Condition, ...]:
    """Return the conditions of a setting: `{"queued_age": {"warn": 60, "crit": "0:300"}}`.

    Raises `ConfigurationError`, which names the key.
    """
    if not isinstance(value, Mapping):
        raise _refusal(key, value, "a mapping such as {'queued_age': {'crit': 300}}")
    for name in value:
        if name not in READINGS:
            raise ConfigurationError(
                f"{key} has a condition on {name!r}; there are: {', '.join(READINGS)}"
            )
    return tuple(_condition(f"{key}[{name!r}]", name, given) for name, given in value.items())


def _condition(key: str, name: str, given: Any) -> Condition:
    if not isinstance(given, Mapping) or not {"warn", "crit"} & given.keys():
        raise _refusal(key, given, "a mapping with warn, crit or both, such as {'crit': 300}")
    has_rate = name == "failure_rate"
    options = ("warn", "crit", "min_ended") if has_rate else ("warn", "crit")
    for option in given:
        if option not in options:
            raise ConfigurationError(f"{key} has {option!r}; there are: {', '.join(options)}")
    thresholds = {
        level: _threshold(f"{key}[{level!r}]", name, given[level])
        for level in ("warn", "crit")
        if level in given
    }
    least = _min_ended(f"{key}['min_ended']", given.get("min_ended", 1)) if has_rate else 0
    return Condition(name, min_ended=least, **thresholds)


def _threshold(key: str, name: str, value: object) -> Threshold:
    threshold_type = READINGS[name].threshold
    try:
        return threshold_type.of(value)
    except ValueError:
        raise _refusal(key, value, threshold_type.EXPECTED) from None


def _min_ended(key: str, value: object) -> int:
    if type(value) is not int or value < 1:
        raise _refusal(key, value, "a whole number from 1 on")
    return value


def _refusal(key: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{key} is {value!r}; it must be {expected}")
