"""The course of time: the figures of each step of a window."""

from .collector import SeriesCollector
from .steps import MOST_POINTS
from .values import LatencyPercentiles, Series, SeriesPoint

__all__ = ["MOST_POINTS", "LatencyPercentiles", "Series", "SeriesCollector", "SeriesPoint"]
