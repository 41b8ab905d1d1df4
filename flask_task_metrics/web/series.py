"""`GET /metrics-timeseries`."""

from __future__ import annotations

from flask import Response, request

from flask_task_metrics.figures import Series
from flask_task_metrics.mounted import current_mounted

from .auth import admin_secret_required
from .hooks import duration_ms
from .metric_log import emit_metric
from .problems import json_response
from .query import (
    dimension_parameters,
    load_query,
    named_source,
    points_parameter,
    window_parameters,
)
from .request_id import current_request_id
from .schemas import SeriesSchema


@admin_secret_required
def metrics_timeseries() -> Response:
    """Answer with the last `minutes` of a source in about `points` steps of time."""
    mounted = current_mounted()
    dimensions = dimension_parameters(mounted, request.args)
    parameters = window_parameters(mounted) | points_parameter() | dimensions
    query = load_query(request.args, parameters)
    named = named_source(query)
    where = {name: query[name] for name in dimensions if name in query}
    reader = mounted.reader_of(query.get("source"))
    series = reader.series(query["minutes"], query["points"], where=where)
    _log_series(series, **named)
    answer = {"request_id": current_request_id()} | named | vars(series)
    return json_response(SeriesSchema().dumps(answer, indent=2, ensure_ascii=False))


def _log_series(series: Series, source: str | None = None) -> None:
    emit_metric(
        "metrics.timeseries",
        source=source,
        minutes=series.window.minutes,
        stepSeconds=series.step_seconds,
        points=len(series.points),
        durationMs=duration_ms(),
    )
