"""The doctor's checks of the setup: settings, database, columns, indexes and plans.

To add one, decorate a function with `@CHECKS.add(id, message if all is well)`: report, JSON and
exit status follow.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import sqlalchemy as sa

from flask_task_metrics.connections import read_only_transaction
from flask_task_metrics.deadline import Deadline
from flask_task_metrics.exceptions import ConfigurationError, MetricsTimeout
from flask_task_metrics.figures import Window
from flask_task_metrics.indexes import missing_indexes

from .busy_second import busy_second
from .check import Checks, Problem, enumeration
from .clock import read_clock
from .context import Context
from .full_scans import needless_full_scans
from .mismatches import mismatches

CLOCK_TOLERANCE = timedelta(seconds=1)

SHORT_TIMEOUT_MS = 100
"""The timeout that should stop a busy second."""

FUNCTION_HINT = (
    "give TaskSource a function that takes a time and returns the Select of the tasks that are "
    "queued, processing, or were created or updated since"
)

CHECKS = Checks()


@CHECKS.add("secret", "long enough")
def weak_secret(context: Context) -> Problem | None:
    """Find an admin secret that is missing or can be guessed."""
    weakness = context.settings.weakness
    return Problem(weakness, "set it to the output of `openssl rand -hex 24`") if weakness else None


@CHECKS.add("database", "can be reached")
def unreachable_database(context: Context) -> None:
    """Raise the database's error if no transaction can be opened."""
    context.rows(sa.select(sa.literal(1)))


@CHECKS.add("timeout", "enforced by the database", needs="database")
def unenforced_timeout(context: Context) -> Problem | None:
    """Find a deadline that is turned off, or that the database lets a statement pass."""
    if not context.settings.timeout_ms:
        return Problem(
            "TASK_METRICS_TIMEOUT_MS is 0, so only a timeout of the database's own stops a slow "
            "snapshot",
            f"remove the setting for the default of {context.timeout_ms} ms, or set another one",
        )
    try:
        with (
            context.connection() as connection,
            # This deadline begins after connecting, which takes its time to a distant database.
            read_only_transaction(connection, Deadline.in_ms(SHORT_TIMEOUT_MS)),
        ):
            connection.execute(sa.select(busy_second()))
    except MetricsTimeout:
        return None
    return Problem(
        f"a statement of a second ran past a timeout of {SHORT_TIMEOUT_MS} ms",
        "find out what resets the timeout, such as a proxy or an event listener of the engine",
    )


@CHECKS.add("clocks", "database and application agree within a second", needs="database")
def clock_difference(context: Context) -> Problem | None:
    """Find a database clock that is ahead of the application's or behind it."""
    with context.transaction() as connection:
        before = datetime.now(timezone.utc)
        shown = read_clock(connection)
        after = datetime.now(timezone.utc)
    # The database read its clock between the two, however long the answer took.
    difference = max(before - shown, shown - after)
    if difference <= CLOCK_TOLERANCE:
        return None
    seconds = difference / timedelta(seconds=1)
    direction = "behind" if shown < before else "ahead of"
    return Problem(
        f"the database's clock is {seconds:.1f} s {direction} the application's",
        "synchronize both with NTP",
    )


@CHECKS.add("columns", "all mapped columns can be read", needs="database")
def unreadable_columns(context: Context) -> None:
    """Raise the database's error if a table or column is missing or forbidden."""
    context.rows(sa.select(context.source.tasks).limit(0))


def _way_of_reading(context: Context) -> str:
    """Return how statements find the tasks of a window."""
    source = context.source
    if not source.is_derived:
        return "an index can serve the window"
    if source.is_function:
        return "a snapshot computes the tasks that the function selects for the window"
    return "derived, so each snapshot computes all tasks; a function could spare that"


@CHECKS.add("source", _way_of_reading, needs="columns")
def unusable_source(context: Context) -> None:
    """Raise `ConfigurationError` if the source can't be built."""
    context.source.check(context.engine.dialect)


@CHECKS.add("types", "the database compares every mapped column", needs="columns")
def wrong_types(context: Context) -> Problem | None:
    """Find columns that the database can't compare as mapped, or converts to compare them."""
    found = list(mismatches(context))
    hint = "; ".join(dict.fromkeys(mismatch.hint for mismatch in found))
    return Problem(", ".join(mismatch.message for mismatch in found), hint) if found else None


@CHECKS.add(
    "indexes",
    "none is missing, or none can be recommended for this source",
    needs="columns",
)
def lacking_indexes(context: Context) -> Problem | None:
    """Find recommended indexes that are missing."""
    try:
        with context.transaction() as connection:
            missing = missing_indexes(connection, context.source)
    except ConfigurationError:
        # No index is recommended for a view, or for a source of several tables.
        return None
    if not missing:
        return None
    names = ", ".join(str(state.index.name) for state in missing)
    hint = f"run {context.indexes_command} for the SQL"
    hints = dict.fromkeys(state.obstacle or hint for state in missing)
    return Problem(f"missing: {names}", "; ".join(hints))


@CHECKS.add("plans", "no query scans a large table needlessly", needs="types")
def full_scans(context: Context) -> Problem | None:
    """Find queries of the default window that scan a large table in full."""
    window = Window.ending(context.now, context.settings.default_minutes)
    with context.transaction() as connection:
        scans = needless_full_scans(connection, context.source, window)
        if not scans:
            return None
        hint = _index_hint(connection, context)
    return Problem(
        ", ".join(
            f"the table {table} is scanned in full for {enumeration(figures)}"
            for table, figures in scans.items()
        ),
        f"{hint}, or run ANALYZE",
    )


def _index_hint(connection: sa.Connection, context: Context) -> str:
    """Return what to do; `flask task-metrics indexes` says the same of a source without indexes."""
    source = context.source
    try:
        missing_indexes(connection, source)
    except ConfigurationError as error:
        is_computed_whole = source.is_derived and not source.is_function
        return f"{FUNCTION_HINT}; {error}" if is_computed_whole else str(error)
    return f"create the missing indexes ({context.indexes_command})"
