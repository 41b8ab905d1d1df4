"""Finds what would make the figures slow or wrong, and says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

import sqlalchemy as sa

from . import checks
from .checks import Check
from .config import Settings
from .dialects import is_not_utc
from .exceptions import MetricsError, MetricsTimeout, MetricsUnavailable
from .metric_log import logfmt
from .source import TaskSource
from .subject import Subject

CHECKS: Mapping[str, tuple[Check, str]] = {
    "secret": (checks.weak_secret, "long enough"),
    "database": (checks.unreadable_tasks, "reached, with all mapped columns"),
    "timeout": (checks.unenforced_timeout, "enforced by the database"),
    "clocks": (checks.clocks_apart, "the database's and the application's agree"),
    "indexes": (checks.lacking_indexes, "none that can be recommended is missing"),
    "plans": (checks.needless_scans, "no query reads more than it must"),
    "statuses": (checks.unknown_statuses, "all of the last 24 hours are mapped"),
    "timestamps": (checks.missing_timestamps, "none of the last 24 hours is missing"),
    "durations": (checks.negative_durations, "none of the last 24 hours is negative"),
    "future": (checks.future_timestamps, "no timestamp is ahead of the database's clock"),
    "utc": (checks.strange_timestamps, "every timestamp of the newest tasks can be read"),
    "fractions": (checks.coarse_timestamps, "kept by every timestamp"),
}
"""Each check under its name, and what to say where it finds nothing wrong."""


@dataclass(frozen=True)
class Finding:
    """What one check found: `detail` says that all is well, or what is wrong and what to do."""

    ok: bool
    check: str
    detail: str


def examine(engine: sa.Engine, source: TaskSource, settings: Settings) -> Iterator[Finding]:
    """A finding for each check, as soon as it is made; where the tasks can't be read, nothing more.

    The database is read as for a snapshot: in read-only views, within the statement timeout.
    """
    now = datetime.now(timezone.utc).replace(microsecond=0)
    subject = Subject(engine, source, settings, now)
    for name, (check, well) in CHECKS.items():
        problem = _problem(check, subject)
        yield Finding(not problem, name, problem or well)
        if problem and check is checks.unreadable_tasks:
            return


def _problem(check: Check, subject: Subject) -> str:
    try:
        return check(subject)
    except MetricsTimeout:
        return (
            f"not known, for it took longer than {subject.timeout_ms} ms; make the recommended "
            "indexes, or set TASK_METRICS_STATEMENT_TIMEOUT_MS higher"
        )
    except (MetricsUnavailable, MetricsError) as error:
        return f"not known, for the tasks can't be read: {_cause(error)}"


def _cause(error: MetricsUnavailable | MetricsError) -> str:
    cause = error.__cause__
    if is_not_utc(cause):
        return "a timestamp is not UTC; store all of them in the form that SQLAlchemy writes"
    said = str(getattr(cause, "orig", cause) or error.description)
    return f"{logfmt(said.splitlines()[0])}; check the URL, the mapping and the user's rights"
