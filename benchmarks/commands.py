"""The command line: `load` tasks into a database, then `run` the benchmark there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, OperationalError

from .derived import measure_derived
from .loading import load_table
from .overhead import measure_overhead, overhead_table
from .report import markdown
from .running import run_benchmark
from .tables import ENGINE

ROWS = 3_000_000
DERIVED_ROWS = 200_000
HOUR, DAY = 60, 24 * 60


def count(name: str, default: int | Sequence[int], text: str) -> Callable[[Any], Any]:
    """Make an option for a number from 1 on; with a default of several, it can be repeated."""
    return click.option(
        name,
        type=click.IntRange(min=1),
        multiple=not isinstance(default, int),
        default=default,
        show_default=True,
        help=text,
    )


rows_option = count("--rows", [ROWS], "The size of a table; repeat it for several tables.")


@contextmanager
def engine_of(url: str) -> Iterator[sa.Engine]:
    """Make an engine, and close its connections at the end.

    Raises `ClickException` if the database can't be reached.
    """
    try:
        engine = sa.create_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()
    except (ArgumentError, OperationalError) as error:
        raise click.ClickException(f"can't use the database: {error}") from error


@click.group()
def main() -> None:
    """Measure a snapshot beside a scan, plain SQL and row pulling."""


@main.command()
@click.argument("url")
@rows_option
@click.option("--index-engine", is_flag=True, help="End each index with the dimension `engine`.")
def load(url: str, rows: Sequence[int], *, index_engine: bool) -> None:
    """Create the tables benchmark_tasks_ROWS in the database at a SQLAlchemy URL.

    A table that is complete stays as it is.
    """
    with engine_of(url) as engine:
        for size in rows:
            load_table(engine, size, *((ENGINE,) if index_engine else ()))


@main.command()
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@rows_option
@count("--minutes", [HOUR, DAY], "A window; repeat it for several windows.")
@count("--rounds", 9, "How often each case is measured.")
def run(urls: Sequence[str], rows: Sequence[int], minutes: Sequence[int], rounds: int) -> None:
    """Measure databases that are loaded, and print a Markdown table."""
    results = []
    for url in urls:
        with engine_of(url) as engine:
            results.append(run_benchmark(engine, rows, minutes, rounds))
    click.echo(markdown(results))


@main.command()
@count("--rounds", 25, "How often each case is measured.")
def overhead(rounds: int) -> None:
    """Measure what the package adds to every request of its host."""
    click.echo(overhead_table(measure_overhead(rounds)))


@main.command()
@click.argument("url")
@click.option("--rows", type=click.IntRange(min=1), default=DERIVED_ROWS, show_default=True)
@count("--minutes", [5, HOUR], "A window; repeat it for several windows.")
@count("--rounds", 5, "How often each case is measured.")
def derived(url: str, rows: int, minutes: Sequence[int], rounds: int) -> None:
    """Load jobs with three events each into the database at a URL, and measure a snapshot of tasks
    that are derived from them.
    """
    with engine_of(url) as engine:
        click.echo("\n".join(measure_derived(engine, rows, minutes, rounds)))
