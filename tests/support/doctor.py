"""The doctor, and tasks that it finds something wrong with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask

from flask_task_metrics.indexes import missing_indexes
from tests.support.commands import run_command
from tests.support.host import SOURCE, Base, current_utc

HEALTHY = """\
ok    secret: long enough
ok    database: can be reached
ok    timeout: enforced by the database
ok    clocks: database and application agree within a second
ok    columns: all mapped columns can be read
ok    source: an index can serve the window
ok    types: the database compares every mapped column
ok    indexes: none is missing, or none can be recommended for this source
ok    plans: no query scans a large table needlessly
ok    statuses: all of the last 24 hours are mapped
ok    timestamps: no completed task of the last 24 hours lacks one
ok    updates: no task that counts by its updated_at lacks it
ok    durations: none of the last 24 hours is negative
ok    future: no timestamp is ahead of the database's clock
ok    utc: every timestamp of the newest tasks can be read
ok    fractions: every timestamp column keeps them
"""

MINUTE = timedelta(minutes=1)
YESTERDAY = timedelta(hours=24) - MINUTE
LONGER_AGO = timedelta(hours=24) + MINUTE


def wrong(app: Flask) -> dict[str, str]:
    """Return the problems that the doctor finds, by the names of its checks.

    Missing indexes are left out, since most of these tables have none.
    """
    found = findings(app, "WRONG")
    found.pop("indexes", None)
    return found


def findings(app: Flask, state: str) -> dict[str, str]:
    """Return the findings of a state, such as `SKIP`, by the names of the checks."""
    _, output = run_command(app, "doctor")
    lines = (line.split(maxsplit=1) for line in output.splitlines())
    found = [finding.partition(": ") for word, finding in lines if word == state]
    return {check: detail for check, _, detail in found}


def add_indexes(engine: sa.Engine) -> None:
    """Create the recommended indexes that the task table lacks."""
    with engine.begin() as connection:
        for state in missing_indexes(connection, SOURCE):
            state.index.create(connection)


def completed_ago(ago: timedelta = YESTERDAY, **differs: Any) -> dict[str, Any]:
    """Return a task that was completed some time ago, with the columns that differ."""
    at = current_utc() - ago
    sound = {"created_at": at, "processing_at": at, "completed_at": at, "updated_at": at}
    return {"status": "completed"} | sound | differs


def copy_of_tasks(name: str) -> sa.Table:
    """Return the task table under another name."""
    return Base.metadata.tables["tasks"].to_metadata(sa.MetaData(), name=name)
