"""The examination: every check in turn, each with one finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

import sqlalchemy as sa

from flask_task_metrics.config import Settings
from flask_task_metrics.source import TaskSource

from .check import Check, Problem
from .context import Context
from .refusals import problem_of
from .row_checks import CHECKS


@dataclass(frozen=True)
class Finding:
    """The result of the check `id`; `hint` says how to solve a problem, and is None without one.

    `ok` is None if the check was left out, since another one that it needs found a problem.
    """

    id: str
    ok: bool | None
    message: str
    hint: str | None


def examine(
    engine: sa.Engine, source: TaskSource, settings: Settings, source_name: str | None = None
) -> Iterator[Finding]:
    """Run the checks, and yield each finding at once. A check that fails ends no other.

    The checks read as a snapshot does, in read-only transactions. Each has a deadline of its own.
    `source_name` is the one that a hint passes on to another command.
    """
    now = datetime.now(timezone.utc).replace(microsecond=0)
    context = Context(engine, source, settings, now, source_name)
    obstacles: dict[str, str] = {}
    for check in CHECKS:
        obstacle = obstacles.get(check.needs or "")
        finding = _left_out(check, obstacle) if obstacle else _finding(check, context)
        if not finding.ok:
            obstacles[check.id] = obstacle or check.id
        yield finding


def _left_out(check: Check, obstacle: str) -> Finding:
    return Finding(
        check.id, None, f"left out, since {obstacle} is wrong", f"solve {obstacle} first"
    )


def _finding(check: Check, context: Context) -> Finding:
    problem = _problem(check, context)
    if problem is None:
        return Finding(check.id, True, check.all_is_well(context), None)
    return Finding(check.id, False, problem.message, problem.hint)


def _problem(check: Check, context: Context) -> Problem | None:
    try:
        return check.find_problem(context)
    except Exception as error:  # noqa: BLE001 - whatever ends a check is its problem
        return problem_of(error, context.indexes_command)
