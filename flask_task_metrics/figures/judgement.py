"""The judgement of a snapshot by conditions, for HTTP and the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .conditions import Condition
from .readings import READINGS, Value, ended
from .snapshot import Snapshot

Status: TypeAlias = Literal["ok", "warning", "critical"]

SEVERITY: tuple[Status, ...] = ("ok", "warning", "critical")


@dataclass(frozen=True)
class Verdict:
    """A condition, the status by it, and the value of its figure; None if there is no data.

    Times are in seconds. `text` says it in words: `queued_age is 5400 s; crit is 0:300`.
    """

    condition: Condition
    status: Status
    value: Value | None
    text: str


@dataclass(frozen=True)
class Judgement:
    """A verdict on each condition, and the worst status of all."""

    status: Status
    verdicts: tuple[Verdict, ...]


def judge(snapshot: Snapshot, conditions: Iterable[Condition]) -> Judgement:
    """Judge a snapshot. No data is ok, and so is a check without conditions."""
    verdicts = tuple(_verdict(snapshot, condition) for condition in conditions)
    statuses = (verdict.status for verdict in verdicts)
    return Judgement(max(statuses, key=SEVERITY.index, default="ok"), verdicts)


def _verdict(snapshot: Snapshot, condition: Condition) -> Verdict:
    name, reading = condition.name, READINGS[condition.name]
    if (count := ended(snapshot)) < condition.min_ended:
        text = f"{name} has no data: tasks ended: {count}, min_ended: {condition.min_ended}"
        return Verdict(condition, "ok", None, text)
    value = reading.read(snapshot)
    if value is None:
        return Verdict(condition, "ok", None, f"{name} has no data: {reading.no_data(snapshot)}")
    return _judged(
        condition, value, f"{name} is {_shown(value, reading.unit)}{reading.detail(snapshot)}"
    )


def _judged(condition: Condition, value: Value, text: str) -> Verdict:
    if condition.crit and condition.crit.alerts(value):
        return Verdict(condition, "critical", value, f"{text}; crit is {condition.crit}")
    if condition.warn and condition.warn.alerts(value):
        return Verdict(condition, "warning", value, f"{text}; warn is {condition.warn}")
    return Verdict(condition, "ok", value, text)


def _shown(value: Value, unit: str) -> str:
    """Return a number with at most four decimals, and its unit: `0.0588`, `12.4 s`, `5400 s`."""
    if isinstance(value, str):
        return value
    return f"{number_text(value, 4)} {unit}".rstrip()


def number_text(value: float, decimals: int) -> str:
    """Return a number without an exponent, with at most so many decimals."""
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")
