"""The options `-w` and `-c`: conditions on figures, such as `queued_age=300`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias

import click

from flask_task_metrics.figures import READINGS, Condition, States, Threshold

Thresholds: TypeAlias = tuple[tuple[str, Threshold], ...]
"""The thresholds of an option by the names of their figures."""


def _thresholds(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> Thresholds:
    """Return the figures of an option with their thresholds."""
    given = tuple(map(_threshold, values))
    names = [name for name, _ in given]
    if len(set(names)) < len(names):
        raise click.BadParameter(f"a figure is there twice: {', '.join(names)}")
    return given


def _threshold(text: str) -> tuple[str, Threshold]:
    name, _, value = text.partition("=")
    if name not in READINGS:
        raise click.BadParameter(f"there is no figure {name!r}; there are: {', '.join(READINGS)}")
    threshold = READINGS[name].threshold
    try:
        return name, threshold.of(value.split(",") if threshold is States else value)
    except ValueError:
        raise click.BadParameter(f"{name} is {value!r}; it must be {threshold.EXPECTED}") from None


@dataclass(frozen=True)
class Given:
    """The options `-w`, `-c` and `--min-ended` of a command."""

    warning: Thresholds
    critical: Thresholds
    min_ended: int | None

    def __bool__(self) -> bool:
        """Return whether there is one."""
        return bool(self.warning or self.critical) or self.min_ended is not None

    def conditions(self) -> tuple[Condition, ...] | None:
        """Return the conditions of the options; None if none is given.

        Raises `UsageError` for `--min-ended` without a failure rate.
        """
        warn, crit = dict(self.warning), dict(self.critical)
        names = tuple(dict.fromkeys((*warn, *crit)))
        if self.min_ended is not None and "failure_rate" not in names:
            raise click.UsageError("--min-ended needs -w or -c with failure_rate=…")
        least = {"failure_rate": self.min_ended or 1}
        conditions = (
            Condition(name, warn.get(name), crit.get(name), least.get(name, 0)) for name in names
        )
        return tuple(conditions) or None


def condition_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options `-w`, `-c` and `--min-ended` to a command, which gets them as `given`."""

    @wraps(command)
    def with_given(
        *, warning: Thresholds, critical: Thresholds, min_ended: int | None, **others: Any
    ) -> object:
        return command(given=Given(warning, critical, min_ended), **others)

    for option in (_min_ended, _critical, _warning):
        with_given = option(with_given)
    return with_given


_warning = click.option(
    "-w",
    "--warning",
    metavar="FIGURE=RANGE",
    multiple=True,
    callback=_thresholds,
    help="Warn of values outside a range: -w p95.time_to_processing=8. May be repeated.",
)
_critical = click.option(
    "-c",
    "--critical",
    metavar="FIGURE=RANGE",
    multiple=True,
    callback=_thresholds,
    help="Call values outside a range critical: -c queued_age=300 -c completed=1:.",
)
_min_ended = click.option(
    "--min-ended",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    help="Judge failure_rate only if so many tasks have ended; by default 1.",
)
