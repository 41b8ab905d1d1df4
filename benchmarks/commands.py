"""The command line: `load` the work, `run` the benchmark, and what becomes of its results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from rich.console import Console
from sqlalchemy.exc import ArgumentError, OperationalError

from . import loading, running
from .chart import draw
from .contenders import CONTENDERS
from .exceptions import BenchmarkError
from .goals import DAY
from .host import URL_VARIABLE, Host
from .machine import Machine
from .memory import added_bytes
from .results import DatabaseResults, Results
from .tables import table_of_size
from .tabulating import tables

ROWS, FEWER_ROWS = 10_000_000, 1_000_000
SIZES = (100_000, FEWER_ROWS, ROWS)
DAYS = (1, 12, 31, 92, 366)

existing = click.Path(exists=True, dir_okay=False, path_type=Path)
writable = click.Path(dir_okay=False, writable=True, path_type=Path)
urls = click.argument("urls", metavar="URL...", nargs=-1, required=True)
files = click.argument("files", metavar="FILE...", nargs=-1, required=True, type=existing)
at_least_1 = click.IntRange(min=1)


def count(name: str, default: int | Sequence[int], text: str) -> Callable[[Any], Any]:
    """An option that is a number, 1 or more; it may be given several times where several are the
    default.
    """
    multiple = not isinstance(default, int)
    return click.option(
        name, type=at_least_1, multiple=multiple, default=default, show_default=True, help=text
    )


rounds_option = count("--rounds", 9, "How often everything is measured.")
json_option = click.option("--json", "path", type=writable, help="Where to write the results.")


@contextmanager
def engine_of(url: str) -> Iterator[sa.Engine]:
    """An engine, whose connections are closed at the end.

    Raises `BenchmarkError` where the database can't be reached.
    """
    try:
        engine = sa.create_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()
    except (ArgumentError, OperationalError) as error:
        raise BenchmarkError(f"the database can't be used: {error}") from error


@click.group()
def main() -> None:
    """What a snapshot costs, side by side with what a user would write instead."""


@main.command()
@click.argument("url")
@count("--rows", SIZES, "How many tasks a table holds; several times for several tables.")
def load(url: str, rows: Sequence[int]) -> None:
    """Fill tables with the work in the database of a SQLAlchemy URL, unless they are there."""
    with engine_of(url) as engine:
        for size in rows:
            _load(engine, size)


def _load(engine: sa.Engine, rows: int) -> None:
    table = table_of_size(rows)
    is_filled = loading.has_rows(engine, rows)
    if not is_filled:
        loading.insert_rows(engine, rows)
    missing = loading.missing_indexes(engine, rows)
    if is_filled and not missing:
        click.echo(f"{table.name} has its {rows:,} rows and its indexes already.", err=True)
        return
    for index in missing:
        click.echo(f"Creating index {index.name} ...", err=True)
        index.create(engine)
    click.echo("Gathering statistics ...", err=True)
    loading.gather_statistics(engine, table)


@main.command()
@urls
@rounds_option
@count("--requests", 200, "How many requests are sent over HTTP.")
@count("--writes", 10_000, "How many tasks a round writes.")
@count("--rows", ROWS, "The table that is read.")
@count("--fewer-rows", FEWER_ROWS, "The table that its cost is compared with.")
@json_option
def run(
    urls: Sequence[str],
    rounds: int,
    requests: int,
    writes: int,
    rows: int,
    fewer_rows: int,
    path: Path | None,
) -> None:
    """Measure all that there are goals for, in databases that are loaded."""
    effort = running.Effort(rounds, requests, writes)
    databases = []
    for url in urls:
        with engine_of(url) as engine:
            databases.append(running.run(engine, rows, fewer_rows, effort))
    _present(databases, path)


@main.command()
@urls
@rounds_option
@json_option
def curve(urls: Sequence[str], rounds: int, path: Path | None) -> None:
    """Measure cost against window, and against the size of all tables that are loaded."""
    databases = []
    for url in urls:
        with engine_of(url) as engine:
            databases.append(running.curve(engine, rounds))
    _present(databases, path)


@main.command()
@click.argument("url")
@count("--days", DAYS, "How many partitions a table has, a day each; several times for several.")
@rounds_option
@json_option
def partitions(url: str, days: Sequence[int], rounds: int, path: Path | None) -> None:
    """Measure cost against the number of partitions, on PostgreSQL, in tables made for it."""
    with engine_of(url) as engine:
        _present([running.partitions(engine, days, rounds)], path)


@main.command()
@urls
@rounds_option
@json_option
def pooling(urls: Sequence[str], rounds: int, path: Path | None) -> None:
    """Measure what is left to pay without any task: on each way to a database, with SQLAlchemy's
    pool and with none.
    """
    with ExitStack() as stack:
        engines = [stack.enter_context(engine_of(url)) for url in urls]
        _present([running.pooling(engines, rounds)], path)


def _present(databases: Sequence[DatabaseResults], path: Path | None) -> None:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    results = Results(now, Machine.this(), databases)
    if path:
        results.write(path)
    Console().print(str(results.machine), *(table.for_terminal() for table in tables(databases)))


@main.command()
@click.argument("contender", type=click.Choice(list(CONTENDERS)))
@click.argument("url", envvar=URL_VARIABLE)
@count("--rows", ROWS, "The table that is read.")
@count("--minutes", DAY, "The window.")
def memory(contender: str, url: str, rows: int, minutes: int) -> None:
    """Print by how many bytes one contender raises the peak memory of this process."""
    with engine_of(url) as engine:
        click.echo(added_bytes(Host(engine, rows), contender, minutes))


@main.command()
@files
def report(files: Sequence[Path]) -> None:
    """Print the tables of results as Markdown."""
    results = [Results.read(file) for file in files]
    databases = [database for one in results for database in one.databases]
    click.echo("\n\n".join(table.as_markdown() for table in tables(databases)))
    click.echo()
    for line in dict.fromkeys(f"Measured {one.date[:10]} on {one.machine}." for one in results):
        click.echo(line)


@main.command()
@files
@click.option("--output", type=writable, default=Path("docs/performance.svg"), show_default=True)
def chart(files: Sequence[Path], output: Path) -> None:
    """Draw what `curve` measured."""
    draw([database for file in files for database in Results.read(file).databases], output)
