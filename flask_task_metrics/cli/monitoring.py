"""The line and the exit status of a plugin, by the guidelines of the Monitoring Plugins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from flask_task_metrics.exceptions import MetricsTimeout, MetricsUnavailable
from flask_task_metrics.figures import READINGS, Judgement, States, Threshold, Verdict, number_text
from flask_task_metrics.logfmt import one_line

from .reasons import reason

Level: TypeAlias = Literal["ok", "warning", "critical", "unknown"]

EXIT_STATUSES: Mapping[Level, int] = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}

NO_CONDITION = "no condition; give -w or -c, or set TASK_METRICS_CHECKS"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a check: its line is `TASKS OK - text | performance data`."""

    level: Level
    text: str
    performance: str = ""

    @property
    def exit_status(self) -> int:
        """Return the status to exit with."""
        return EXIT_STATUSES[self.level]

    def __str__(self) -> str:
        # Performance data follows a `|`.
        text = one_line(self.text).replace("|", "\\u007c")
        line = f"TASKS {self.level.upper()} - {text}"
        return f"{line} | {self.performance}" if self.performance else line


def outcome_of(judgement: Judgement, source: str | None = None) -> Outcome:
    """Return the outcome of a judgement, with the verdicts that are not ok, or all if all are."""
    verdicts = sorted(judgement.verdicts, key=lambda v: EXIT_STATUSES[v.status], reverse=True)
    bad = [verdict for verdict in verdicts if verdict.status != "ok"]
    text = " / ".join(verdict.text for verdict in bad or verdicts) or NO_CONDITION
    named = "" if source is None else f"{source}: "
    performance = filter(None, map(_performance, judgement.verdicts))
    return Outcome(judgement.status, f"{named}{text}", " ".join(performance))


def outcome_of_error(error: BaseException) -> Outcome:
    """Return the outcome of a check that failed: critical if the database can't be read in time."""
    is_critical = isinstance(error, MetricsUnavailable | MetricsTimeout)
    return Outcome("critical" if is_critical else "unknown", reason(error))


def _performance(verdict: Verdict) -> str | None:
    """Return a figure in its base unit: `queued_age=41s;120;300;0`; None for a state.

    A figure without data is `U`.
    """
    name, value = verdict.condition.name, verdict.value
    reading = READINGS.get(name)
    if reading is None or reading.threshold is States or isinstance(value, str):
        return None
    label = name if re.fullmatch(r"\w+", name) else f"'{name}'"
    number = "U" if value is None else f"{number_text(value, 6)}{reading.unit}"
    ranges = (_range(verdict.condition.warn), _range(verdict.condition.crit))
    most = "" if reading.most is None else str(reading.most)
    return ";".join((f"{label}={number}", *ranges, "0", most)).rstrip(";")


def _range(threshold: Threshold | None) -> str:
    """Return a range in its short form: `0:300` is `300`."""
    return "" if threshold is None else re.sub(r"^(@?)0:(?=.)", r"\1", str(threshold))
