"""What goes wrong in a benchmark, as the command line tells it."""

from __future__ import annotations

from click import ClickException


class BenchmarkError(ClickException):
    """The benchmark can't run, or what it measures is wrong."""
