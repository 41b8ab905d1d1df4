"""Results as tables, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table as TerminalTable

from .goals import FIGURES
from .quantities import rounded, short
from .results import DatabaseResults, Throughput, Timing


@dataclass(frozen=True)
class Table:
    """A table of text, whose first column is what the rows are about."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def for_terminal(self) -> TerminalTable:
        """The table as rich prints it."""
        table = TerminalTable(title=self.title, title_justify="left", box=SIMPLE_HEAD)
        for number, column in enumerate(self.header):
            table.add_column(column, justify="right" if number > 1 else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    def as_markdown(self) -> str:
        """The table in GitHub's Markdown."""
        rule = ["---" if number < 2 else "---:" for number in range(len(self.header))]
        lines = (f"| {' | '.join(cells)} |" for cells in (self.header, rule, *self.rows))
        return "\n".join((f"### {self.title}", "", *lines))


def tables(databases: Sequence[DatabaseResults]) -> list[Table]:
    """All tables that the results of some databases fill."""
    all_tables = (
        Table(
            "Goals",
            ("figure", "database", "median", "spread", "goal", ""),
            list(_figures(databases)),
        ),
        Table(
            "Times in milliseconds",
            ("what", "database", "minutes", "rows", "median", "spread", "p95"),
            [_timing(results, timing) for results, timing in _timings(databases)],
        ),
        Table(
            "Memory that is added to the Python process",
            ("what", "database", "minutes", "rows", "MB"),
            list(_memory(databases)),
        ),
        Table(
            "Tasks written in a second, without the recommended indexes and with them",
            (
                "operation",
                "database",
                "without",
                "spread",
                "with",
                "spread",
                "loss",
            ),
            list(_writes(databases)),
        ),
    )
    return [table for table in all_tables if table.rows]


def _figures(databases: Sequence[DatabaseResults]) -> Iterator[Sequence[str]]:
    for figure in FIGURES:
        for results in databases:
            name = results.database
            if found := figure.measure(results):
                goal, verdict = figure.goal(name), figure.verdict(name, found.median)
                median = f"{rounded(found.median)}{figure.unit}"
                yield figure.name, name, median, _spread(found.low, found.high), goal, verdict


def _spread(low: float, high: float) -> str:
    return f"{rounded(low)}–{rounded(high)}" if low != high else ""  # noqa: RUF001 - a range


def _timings(
    databases: Sequence[DatabaseResults],
) -> Iterable[tuple[DatabaseResults, Timing]]:
    pairs = ((results, timing) for results in databases for timing in results.timings)
    return sorted(pairs, key=lambda pair: (pair[1].minutes, -pair[1].rows))


def _timing(results: DatabaseResults, timing: Timing) -> Sequence[str]:
    return (
        timing.contender,
        results.database,
        str(timing.minutes),
        short(timing.rows),
        rounded(timing.median),
        _spread(min(timing.ms), max(timing.ms)),
        rounded(timing.p95),
    )


def _memory(databases: Sequence[DatabaseResults]) -> Iterator[Sequence[str]]:
    for results in databases:
        for memory in results.memory:
            yield (
                memory.contender,
                results.database,
                str(memory.minutes),
                short(memory.rows),
                rounded(memory.megabytes),
            )


def _writes(databases: Sequence[DatabaseResults]) -> Iterator[Sequence[str]]:
    for results in databases:
        bare = {write.operation: write for write in results.writes if not write.indexed}
        for indexed in (write for write in results.writes if write.indexed):
            yield _write(results.database, bare[indexed.operation], indexed)


def _write(database: str, bare: Throughput, indexed: Throughput) -> Sequence[str]:
    loss = 1 - indexed.median / bare.median
    return (
        indexed.operation,
        database,
        rounded(bare.median),
        _spread(min(bare.per_second), max(bare.per_second)),
        rounded(indexed.median),
        _spread(min(indexed.per_second), max(indexed.per_second)),
        f"{round(100 * loss)}%",
    )
