"""`GET /metrics`, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TypeAlias

from flask import Response, request

from flask_task_metrics.exceptions import ExtraMissing
from flask_task_metrics.mounted import current_mounted

from .auth import admin_secret_required
from .hooks import duration_ms
from .metric_log import emit_metric
from .query import load_query
from .scrape import Scraped, scrape

Exposition: TypeAlias = Callable[[str, Sequence[Scraped]], tuple[bytes, str]]


@admin_secret_required
def prometheus_metrics() -> Response:
    """Answer with the figures of every source in the format that the scraper accepts.

    All are gauges of a window of some minutes, but for one summary.
    """
    exposition = _exposition()
    mounted = current_mounted()
    load_query(request.args, {})
    sources = list(scrape(mounted))
    body, content_type = exposition(request.headers.get("Accept", ""), sources)
    emit_metric(
        "metrics.scrape",
        minutes=mounted.settings.prometheus_minutes,
        sources=len(sources),
        durationMs=duration_ms(),
    )
    response = Response(body, content_type=content_type)
    response.vary.add("Accept")
    return response


def _exposition() -> Exposition:
    """Return the function that needs the extra; raise `ExtraMissing` without it."""
    if find_spec("prometheus_client") is None:
        raise ExtraMissing("prometheus")
    from .exposition import exposition  # noqa: PLC0415 - the extra may not be installed

    return exposition
