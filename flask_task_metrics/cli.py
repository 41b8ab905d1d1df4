"""`flask task-metrics`: the recommended indexes, and what is wrong with the figures."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from time import perf_counter

import click
import sqlalchemy as sa
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from .config import current_state
from .dialects import Step, effect_on_writers, obstacle, run_step, steps_to_build
from .doctor import examine
from .exceptions import TaskMetricsError
from .indexes import serving_indexes

COMMANDS = "task-metrics"
"""What the commands stand under."""

SECONDS_OF_SILENCE = 10


@click.command()
@click.option("--apply", is_flag=True, help="Build what is missing.")
@with_appcontext
def indexes(*, apply: bool) -> None:
    """Show which of the recommended indexes the task table has.

    For what is missing it prints SQL that the database's own client takes. With --apply it runs
    that SQL, without holding up writers where the database can do so, and says how far it is. It
    can be interrupted and run again: what is there already it leaves alone.

    The database is the one that the table belongs to, not the replica that TASK_METRICS_BIND_KEY
    may name: replicas get their indexes from there.
    """
    with errors_in_one_line():
        engine = current_state().primary_engine()
        missing = _show_states(engine)
        possible = [index for index in missing if not obstacle(engine, index)]
        steps = _steps(engine, possible)
        for number, (_, step) in enumerate(steps):
            _show(step, steps[number - 1][1] if number else None)
            if apply:
                with _telling_what_is_left(steps[number:]):
                    _run(engine, step)
    if apply and len(possible) < len(missing):
        raise click.ClickException("Not every index can be built; see above why.")


@click.command()
@with_appcontext
def doctor() -> None:
    """Find what would make the figures slow or wrong, and say what to do.

    One line for each check, which begins with `ok` or `WRONG`; the exit status is 1 where anything
    is wrong. It reads what a snapshot reads, as a snapshot does, and changes nothing.
    """
    state = current_state()
    with errors_in_one_line():
        all_ok = True
        for finding in examine(state.engine(), state.source, state.settings):
            click.echo(f"{'ok   ' if finding.ok else 'WRONG'} {finding.check}: {finding.detail}")
            all_ok &= finding.ok
    sys.exit(0 if all_ok else 1)


def _show_states(engine: sa.Engine) -> list[sa.Index]:
    """Say which of the recommended indexes are there, and return those that are not."""
    with engine.connect() as connection:
        states = serving_indexes(connection, current_state().source)
    for index, found in states:
        click.echo(f"-- {index.name}: {_state(engine, index, found)}")
    return [index for index, found in states if found is None]


def _state(engine: sa.Engine, index: sa.Index, found: str | None) -> str:
    if found is None:
        why_not = obstacle(engine, index)
        return f"missing, and can't be built: {why_not}" if why_not else "missing"
    return "there" if found == index.name else f"not needed, since {found} begins like it"


def _steps(engine: sa.Engine, missing: Sequence[sa.Index]) -> list[tuple[sa.Index, Step]]:
    if missing:
        click.echo(f"-- {effect_on_writers(engine)}")
    with engine.connect() as connection:
        return [(index, step) for index in missing for step in steps_to_build(connection, index)]


def _show(step: Step, before: Step | None) -> None:
    settings = () if before and before.settings == step.settings else step.settings
    for statement in (*settings, step.sql):
        click.echo(f"{statement};")


def _run(engine: sa.Engine, step: Step) -> None:
    began = perf_counter()
    told = ("", 0)
    with closing(run_step(engine, step)) as progress:
        for said in progress:
            seconds = int(perf_counter() - began)
            # What does not change is told again now and then, to show that it goes on.
            news = (said, seconds // SECONDS_OF_SILENCE)
            if news != told:
                click.echo(f"--   {said} ({seconds} s)")
            told = news
    click.echo(f"--   done in {perf_counter() - began:.1f} s")


@contextmanager
def _telling_what_is_left(steps: Sequence[tuple[sa.Index, Step]]) -> Iterator[None]:
    missing = dict.fromkeys(str(index.name) for index, _ in steps)
    rest = f"Still missing: {', '.join(missing)}."
    try:
        yield
    except KeyboardInterrupt:
        raise click.ClickException(f"Interrupted. {rest} Run it again to go on.") from None
    except DBAPIError as error:
        raise click.ClickException(f"{reason(error)}. {rest}") from error


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Have a command end with the message of what it expects to fail, and no traceback."""
    try:
        yield
    except (TaskMetricsError, SQLAlchemyError) as error:
        raise click.ClickException(reason(error)) from error


def reason(error: Exception) -> str:
    """The first line of an error; of a database's the one that the database wrote."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).partition("\n")[0]
