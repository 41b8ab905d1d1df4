"""The figures: each one's statement and the reading of its rows."""

from .breakdown import Breakdown
from .collector import Collector
from .conditions import Condition, conditions_of
from .grouping import Grouping
from .judgement import SEVERITY, Judgement, Verdict, judge, number_text
from .predicates import has_status, is_since
from .query import Query, with_filter
from .readings import READINGS
from .series import MOST_POINTS, LatencyPercentiles, Series, SeriesCollector, SeriesPoint
from .snapshot import (
    STATES,
    Backlog,
    BacklogCount,
    ErrorCount,
    Group,
    Latency,
    LatencyStats,
    OtherGroups,
    PreviousFigures,
    ScheduledCount,
    Snapshot,
    State,
    TaskCounts,
    TaskReference,
)
from .state import Limits, age_text
from .statements import Statements
from .thresholds import States, Threshold
from .unreadable import UnreadableTimestamps
from .window import Window

__all__ = [
    "MOST_POINTS",
    "READINGS",
    "SEVERITY",
    "STATES",
    "Backlog",
    "BacklogCount",
    "Breakdown",
    "Collector",
    "Condition",
    "ErrorCount",
    "Group",
    "Grouping",
    "Judgement",
    "Latency",
    "LatencyPercentiles",
    "LatencyStats",
    "Limits",
    "OtherGroups",
    "PreviousFigures",
    "Query",
    "ScheduledCount",
    "Series",
    "SeriesCollector",
    "SeriesPoint",
    "Snapshot",
    "State",
    "Statements",
    "States",
    "TaskCounts",
    "TaskReference",
    "Threshold",
    "UnreadableTimestamps",
    "Verdict",
    "Window",
    "age_text",
    "conditions_of",
    "has_status",
    "is_since",
    "judge",
    "number_text",
    "with_filter",
]
