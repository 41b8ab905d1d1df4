"""The statements of a source, built once for each form of the figures and shape of a filter."""

from __future__ import annotations

from functools import lru_cache

import sqlalchemy as sa

from flask_task_metrics.source import NO_FILTER, Dimension, ErrorCodeOf, Shape, TaskSource

from .breakdown import Breakdown
from .collector import Collector
from .grouping import Grouping
from .series import SeriesCollector

KEPT_SHAPES = 6
"""Shapes of filters whose statements are kept; those of one take 4 MB, and 0.1 s to build."""


class Statements:
    """The statements of a source in a database. `error_code_of` is the host's function from a
    message to a code.
    """

    def __init__(
        self, source: TaskSource, dialect: sa.Dialect, error_code_of: ErrorCodeOf | None
    ) -> None:
        self._source = source
        self._dialect = dialect
        self._error_code_of = error_code_of
        self._collector = lru_cache(KEPT_SHAPES)(self._collector_of)
        self._breakdown = lru_cache(KEPT_SHAPES)(self._breakdown_of)
        self.series = lru_cache(KEPT_SHAPES)(self._series_of)
        # So that the first request without a filter need not build them.
        self._collector(NO_FILTER.shape)

    def snapshot(self, shape: Shape, dimension: Dimension | None = None) -> Collector | Breakdown:
        """Return the statements of a snapshot, with groups if a dimension is given."""
        return self._breakdown(shape, dimension) if dimension else self._collector(shape)

    def _collector_of(self, shape: Shape) -> Collector:
        """Build the statements of the tasks that filters of a shape select."""
        return Collector.of(self._source.filtered(shape), self._dialect, self._error_code_of)

    def _breakdown_of(self, shape: Shape, dimension: Dimension) -> Breakdown:
        """Build the statements of the groups of these tasks."""
        grouping = Grouping(self._source.filtered(shape), dimension)
        return Breakdown.of(grouping, self._collector(shape), self._dialect, self._error_code_of)

    def _series_of(self, shape: Shape) -> SeriesCollector:
        """Build the statements of the course of time of these tasks."""
        return SeriesCollector.of(self._source.filtered(shape), self._dialect)
