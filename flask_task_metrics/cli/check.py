"""`flask task-metrics check`, and the check of an app for the console script."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Any, NoReturn

import click
from flask.cli import with_appcontext

from flask_task_metrics.figures import judge
from flask_task_metrics.mounted import current_mounted

from .conditions import Given, condition_options
from .monitoring import Outcome, outcome_of, outcome_of_error
from .reading import minutes_option, named_source
from .screens import printable
from .source_option import source_option


class PluginCommand(click.Command):
    """A command that ends as a plugin does, also if its options are wrong: one line on stdout."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the options."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            end(outcome_of_error(error))

    def invoke(self, ctx: click.Context) -> NoReturn:
        """Run the command, which returns an `Outcome`."""
        try:
            # A plugin's only line is that of its outcome, whatever an app prints.
            with redirect_stdout(sys.stderr):
                outcome: Outcome = super().invoke(ctx)
        except Exception as error:  # noqa: BLE001 - a traceback would mean "warning"
            outcome = outcome_of_error(error)
        end(outcome)


def end(outcome: Outcome) -> NoReturn:
    """Print the line of an outcome, and exit with its status."""
    click.echo(printable(str(outcome)))
    sys.exit(outcome.exit_status)


@click.command(cls=PluginCommand)
@condition_options
@minutes_option
@source_option
@with_appcontext
def check(*, given: Given, minutes: int | None, source: str | None) -> Outcome:
    """Judge the figures for Nagios, Icinga or cron.

    The conditions are those of -w and -c, or else those of TASK_METRICS_CHECKS. The exit status is
    0 (ok), 1 (warning), 2 (critical; also if the database can't be read) or 3 (unknown).
    """
    return check_app(given, minutes, source)


def check_app(given: Given, minutes: int | None, source: str | None) -> Outcome:
    """Return the outcome of a check, inside an app context."""
    conditions = given.conditions()
    mounted = current_mounted()
    settings, reader = mounted.settings, mounted.reader_of(source)
    for condition in conditions or ():
        condition.check_recorded("the check", reader.source)
    snapshot = reader.snapshot(settings.default_minutes if minutes is None else minutes)
    judgement = judge(snapshot, settings.checks if conditions is None else conditions)
    return outcome_of(judgement, named_source(mounted, source))
