"""Cost against window and table size, as a chart that is readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from .contenders import CONTENDERS
from .goals import HOUR
from .quantities import short
from .results import DatabaseResults, Timing

GREY = "#757e88"
COLORS = {"scan": GREY, "snapshot": "#3b82f6", "row pulling": "#e0701a"}
"""Of a middle brightness, which stands out from white and from black."""

NAMES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB", "mysql": "MySQL", "sqlite": "SQLite"}

STYLE: dict[Any, Any] = {
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": GREY,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": GREY,
    "font.size": 10,
    "grid.alpha": 0.3,
    "grid.color": GREY,
    "svg.hashsalt": "benchmarks",
    "text.color": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
}

COLUMN_INCHES = (3.6, 5.4)


def draw(databases: Sequence[DatabaseResults], output: Path) -> None:
    """Draw a column for each database: above, cost against window; below, against table size."""
    width, height = COLUMN_INCHES
    columns = len(databases)
    with rc_context(STYLE):
        figure = Figure((width * columns, height), layout="constrained")
        panels = figure.subplots(2, columns, sharey=True, squeeze=False, height_ratios=(3, 2))
        for (above, below), results in zip(panels.T, databases, strict=True):
            above.set_title(f"{NAMES.get(results.database, results.database)} {results.version}")
            _draw_by_window(above, results)
            _draw_by_size(below, results)
        lines, names = panels[0][0].get_legend_handles_labels()
        figure.legend(
            lines, names, loc="outside upper center", ncols=3, frameon=False, labelcolor="linecolor"
        )
        figure.savefig(output, transparent=True, dpi=150, metadata=_metadata(output))


def _metadata(output: Path) -> dict[str, str | None]:
    """Nothing that would make the same chart another file tomorrow."""
    return {"Date": None} if output.suffix == ".svg" else {}


def _draw_by_window(axes: Axes, results: DatabaseResults) -> None:
    axes.set_xlabel(f"minutes in the window (table of {short(results.rows)} rows)")
    for contender in CONTENDERS:
        timings = [
            timing
            for timing in results.timings
            if (timing.contender, timing.rows) == (contender, results.rows)
        ]
        _draw_line(axes, contender, timings, [timing.minutes for timing in timings])


def _draw_by_size(axes: Axes, results: DatabaseResults) -> None:
    axes.set_xlabel(f"rows in the table (window of {HOUR} minutes)")
    timings = [
        timing
        for timing in results.timings
        if (timing.contender, timing.minutes) == ("snapshot", HOUR)
    ]
    timings.sort(key=lambda timing: timing.rows)
    _draw_line(axes, "snapshot", timings, [timing.rows for timing in timings])


def _draw_line(axes: Axes, contender: str, timings: Sequence[Timing], x: Sequence[int]) -> None:
    """A line through the medians, with the spread around it."""
    color = COLORS[contender]
    lowest = [min(timing.ms) for timing in timings]
    highest = [max(timing.ms) for timing in timings]
    axes.fill_between(x, lowest, highest, color=color, alpha=0.2, linewidth=0)
    medians = [timing.median for timing in timings]
    axes.loglog(x, medians, color=color, marker="o", markersize=3, label=contender)
    axes.set_xticks(x)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _duration(value)))
    axes.yaxis.set_minor_locator(NullLocator())


def _duration(ms: float) -> str:
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"
