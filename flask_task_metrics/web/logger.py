"""The package's logger."""

from __future__ import annotations

import logging
from functools import cache


@cache
def logger() -> logging.Logger:
    """Return the package's logger, created late since `dictConfig` disables existing loggers."""
    return logging.getLogger("flask_task_metrics")
