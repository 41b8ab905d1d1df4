"""The recipes of the documentation, and what must be true of each."""

from __future__ import annotations

import re
import runpy
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

import sqlalchemy as sa

from flask_task_metrics import TaskSource, Window
from tests.support.commands import build_indexes, run_alone, run_command
from tests.support.doctor import HEALTHY, findings
from tests.support.host import hosted, snapshot_of
from tests.support.oracle import DueAt, TaskRow, expected_without
from tests.support.pages import code_under

PAGE = "docs/how-to/recipes.md"

HEALTHY_EVENTS = HEALTHY.replace(
    "an index can serve the window",
    "a snapshot computes the tasks that the function selects for the window",
)

OLD = timedelta(days=2)
"""The age of rows that no check looks at, but a full scan reads."""

MANY = 12_000
"""Rows that are too many for a full scan."""

Row: TypeAlias = Mapping[str, Any]


def recipe(system: str, folder: Path) -> TaskSource:
    """Return the source that the page shows for a task system."""
    path = folder / "recipe.py"
    path.write_text(code_under(PAGE, system))
    source: TaskSource = runpy.run_path(str(path))["source"]
    return source


def rows_of(engine: sa.Engine, table: str) -> Sequence[Row]:
    """Return the raw rows of a table; their timestamps are naive and hold UTC."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(reflected(engine, table))).mappings().all()
    return [{name: in_naive_utc(value) for name, value in row.items()} for row in rows]


def by_job(rows: Iterable[Row]) -> dict[object, list[Row]]:
    """Return the rows of each job, in the order of their ids."""
    jobs: dict[object, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=itemgetter("id")):
        jobs[row["job_id"]].append(row)
    return jobs


def without_driver(url: str) -> str:
    """Return a URL as drivers take it that know nothing of SQLAlchemy."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def reflected(engine: sa.Engine, table: str) -> sa.Table:
    """Return a table as the database knows it."""
    return sa.Table(table, sa.MetaData(), autoload_with=engine)


def minutes_ago(minutes: float | None) -> datetime | None:
    """Return a moment before now; None if there is none."""
    return None if minutes is None else datetime.now(timezone.utc) - timedelta(minutes=minutes)


def json_errors(messages: Iterable[str]) -> list[dict[str, Any]]:
    """Return the errors of a job's attempts as River and Oban store them."""
    return [
        {"attempt": attempt, "at": "2026-01-30T09:58:12.345678Z", "error": message}
        for attempt, message in enumerate(messages, 1)
    ]


def in_naive_utc(value: Any) -> Any:
    """Return a timestamp in the oracle's form, and any other value as it is."""
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(timezone.utc).replace(tzinfo=None)
    return value


def first(row: Row, *names: str) -> Any:
    """Return the first of several columns that is not null."""
    return next((row[name] for name in names if row[name] is not None), None)


def add_old_copies(
    engine: sa.Engine, table: str, condition: str, *unique: str, first_id: int = MANY
) -> None:
    """Copy a row that meets a condition very often, into the past.

    `unique` names its columns, other than the id, that are another number in each copy.
    """
    copied = reflected(engine, table)
    numbers = sa.select(sa.literal(MANY).label("number")).cte("numbers", recursive=True)
    following = numbers.c.number + 1
    numbers = numbers.union_all(sa.select(following).where(following < 2 * MANY))
    number = numbers.c.number
    with engine.begin() as connection:
        select = sa.select(copied).where(sa.text(condition)).limit(1)
        row = connection.execute(select).mappings().one()
        copy: dict[str, sa.ColumnElement[Any]]
        copy = {name: sa.literal(older(row[name]), copied.c[name].type) for name in row}
        copy |= {"id": number - MANY + first_id}
        copy |= {name: sa.cast(number, copied.c[name].type) for name in unique}
        copies = sa.select(*copy.values()).select_from(numbers)
        connection.execute(sa.insert(copied).from_select(list(copy), copies))


def older(value: Any) -> Any:
    """Return a timestamp in the past, and any other value as it is."""
    return value - OLD if isinstance(value, datetime) else value


def check_figures(
    engine: sa.Engine,
    source: TaskSource,
    tasks: Sequence[TaskRow],
    *unrecorded: str,
    due_at: DueAt | None = None,
) -> None:
    """Assert that a snapshot has the figures of tasks that were read from the raw rows."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    expected = expected_without(tasks, Window.ending(now, 60), *unrecorded, due_at=due_at)
    if not (source.statuses["queued"] and source.statuses["processing"]):
        expected = replace(expected, state=None, reason=None)
    assert expected == snapshot_of(engine, source, now=now)


def check_doctor(engine: sa.Engine, source: TaskSource) -> None:
    """Assert that the doctor is content with a large table once its indexes are built."""
    with hosted(engine.url, source) as app:
        assert ["indexes", "plans"] == list(findings(app, "WRONG"))
        build_indexes(app, engine)
        run_alone(engine, "ANALYZE")
        examined = run_command(app, "doctor")
        assert (0, HEALTHY) == examined, examined


def check_doctor_of_events(engine: sa.Engine, source: TaskSource, *by_hand: str) -> None:
    """Assert that the doctor is content with large tables of events.

    `by_hand` are indexes of those that it tells to build by hand, such as `jobs (status)`. It gives
    advice only if there are any.
    """
    with hosted(engine.url, source) as app:
        advice = list(findings(app, "WRONG").values())
        assert bool(by_hand) == len(advice), advice
        assert set(by_hand) <= set(re.findall(r"\w+ \([\w, ]+\)", "".join(advice)))
        run_alone(engine, *(f"CREATE INDEX ON {index}" for index in by_hand), "VACUUM ANALYZE")
        examined = run_command(app, "doctor")
        assert (0, HEALTHY_EVENTS) == examined, examined
