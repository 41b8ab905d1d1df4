"""Shows, straight from its SQL table, how a Flask backend's tasks are doing."""

from .auth import admin_secret_required
from .exceptions import (
    AdminUnauthorized,
    ConfigurationError,
    InvalidMetricError,
    InvalidQuery,
    InvalidWindowError,
    MetricsError,
    MetricsTimeout,
    MetricsUnavailable,
    TaskMetricsError,
)
from .extension import TaskMetrics
from .indexes import recommended_indexes
from .metric_log import emit_metric
from .request_id import RequestIdFilter, current_request_id
from .snapshot import (
    Backlog,
    BacklogCount,
    ErrorCount,
    ErrorSample,
    Latency,
    LatencyStats,
    Snapshot,
    TaskCounts,
    Window,
)
from .source import TaskSource

__all__ = [
    "AdminUnauthorized",
    "Backlog",
    "BacklogCount",
    "ConfigurationError",
    "ErrorCount",
    "ErrorSample",
    "InvalidMetricError",
    "InvalidQuery",
    "InvalidWindowError",
    "Latency",
    "LatencyStats",
    "MetricsError",
    "MetricsTimeout",
    "MetricsUnavailable",
    "RequestIdFilter",
    "Snapshot",
    "TaskCounts",
    "TaskMetrics",
    "TaskMetricsError",
    "TaskSource",
    "Window",
    "admin_secret_required",
    "current_request_id",
    "emit_metric",
    "recommended_indexes",
]
