"""The options that choose the figures of a command, and the reading of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from flask_task_metrics.exceptions import InvalidFilterError
from flask_task_metrics.figures import Series, Snapshot
from flask_task_metrics.mounted import Mounted, current_mounted
from flask_task_metrics.reader import Reader
from flask_task_metrics.source import TaskSource, known_dimension

from .source_option import source_option


@dataclass(frozen=True)
class Question:
    """The figures that the options of a command ask for."""

    reader: Reader
    minutes: int
    source: str | None
    where: Mapping[str, Any]
    group_by: str | None
    compare: str | None

    @classmethod
    def of(
        cls,
        minutes: int | None,
        source: str | None,
        where: tuple[str, ...],
        *,
        group_by: str | None,
        compare: bool,
    ) -> Question:
        """Return the question of a command's options, inside an app context.

        `source` is the name of one of several sources, as answers show it. Raises
        `UnknownSourceError` and `InvalidFilterError`.
        """
        mounted = current_mounted()
        reader = mounted.reader_of(source)
        return cls(
            reader,
            mounted.settings.default_minutes if minutes is None else minutes,
            named_source(mounted, source),
            _values_by_dimension(reader.source, where),
            group_by,
            "previous" if compare else None,
        )

    def snapshot(self) -> Snapshot:
        """Read the snapshot."""
        return self.reader.snapshot(
            self.minutes, where=self.where, group_by=self.group_by, compare=self.compare
        )

    def series(self, points: int) -> Series:
        """Read the course of time."""
        return self.reader.series(self.minutes, points, where=self.where)


def named_source(mounted: Mounted, source: str | None) -> str | None:
    """Return the name of a source, by default of the first; None if there is only one."""
    return (source or mounted.choices[0]) if mounted.choices else None


def figures_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose figures to a command, which gets them as a `question`.

    It must run inside an app context.
    """

    @wraps(command)
    def with_question(
        *,
        minutes: int | None,
        source: str | None,
        where: tuple[str, ...],
        group_by: str | None,
        compare: bool,
        **others: Any,
    ) -> object:
        question = Question.of(minutes, source, where, group_by=group_by, compare=compare)
        return command(question=question, **others)

    options = (minutes_option, source_option, _where_option, _group_option, _compare_option)
    for option in reversed(options):
        with_question = option(with_question)
    return with_question


minutes_option = click.option(
    "--minutes",
    metavar="NUMBER",
    type=int,
    help="Length of the window; by default TASK_METRICS_DEFAULT_MINUTES.",
)

_where_option = click.option(
    "--where",
    metavar="DIMENSION=VALUE",
    multiple=True,
    help="Count only tasks of this dimension's value; without a value, null. May be repeated.",
)

_group_option = click.option(
    "--group-by", metavar="DIMENSION", help="Add the figures of each value of a dimension."
)

_compare_option = click.option(
    "--compare", is_flag=True, help="Compare with the window before, of the same length."
)


def _values_by_dimension(source: TaskSource, where: tuple[str, ...]) -> dict[str, Any]:
    """Return the values of each dimension from texts such as `engine=runway`."""
    texts: dict[str, list[str]] = {}
    for condition in where:
        name, equals, text = condition.partition("=")
        if not equals:
            raise InvalidFilterError(f"--where is {condition!r}", "such as engine=runway")
        texts.setdefault(name, []).append(text)
    return {
        name: known_dimension(source.dimensions, name).of_texts(several)
        for name, several in texts.items()
    }
