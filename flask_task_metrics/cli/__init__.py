"""The command line: `flask task-metrics`."""

from .group import mount

__all__ = ["mount"]
