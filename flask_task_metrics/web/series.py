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
    filter_in,
    load_query,
    named_source,
    series_parameters,
    source_asked_for,
)
from .request_id import current_request_id
from .schemas import SeriesSchema


@admin_secret_required
def metrics_timeseries() -> Response:
    """Answer with the last `minutes` of a source in about `points` steps of time.

    Steps begin at multiples of their length in UTC, so they stay the same from one request to the
    next. The last point includes tasks that are dated after the window.
    """
    mounted = current_mounted()
    source = source_asked_for(mounted, request.args)
    query = load_query(request.args, series_parameters(mounted, source))
    named, where = named_source(query), filter_in(query, source)
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
