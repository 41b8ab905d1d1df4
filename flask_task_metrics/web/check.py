"""`GET /metrics-check`."""

from __future__ import annotations

from flask import Response, request

from flask_task_metrics.figures import Judgement, Snapshot, judge
from flask_task_metrics.mounted import current_mounted

from .auth import admin_secret_required
from .hooks import duration_ms
from .metric_log import emit_metric
from .problems import json_response
from .query import load_query, named_source, source_asked_for, window_parameters
from .request_id import current_request_id
from .schemas import CheckSchema


@admin_secret_required
def metrics_check() -> Response:
    """Answer with the judgement of a source's last `minutes`: 503 if it is critical.

    The conditions are those of the app's configuration. No data is ok.
    """
    mounted = current_mounted()
    source = source_asked_for(mounted, request.args)
    query = load_query(request.args, window_parameters(mounted, source))
    named = named_source(query)
    snapshot = mounted.reader_of(query.get("source")).snapshot(query["minutes"])
    judgement = judge(snapshot, mounted.settings.checks)
    _log_check(snapshot, judgement, **named)
    answer = {"window": snapshot.window, "request_id": current_request_id()} | named
    body = CheckSchema().dumps(answer | vars(judgement), indent=2, ensure_ascii=False)
    return json_response(body, 503 if judgement.status == "critical" else 200)


def _log_check(snapshot: Snapshot, judgement: Judgement, source: str | None = None) -> None:
    names = {
        status: ",".join(v.condition.name for v in judgement.verdicts if v.status == status)
        for status in ("critical", "warning")
    }
    emit_metric(
        "metrics.check",
        source=source,
        minutes=snapshot.window.minutes,
        status=judgement.status,
        critical=names["critical"] or None,
        warning=names["warning"] or None,
        durationMs=duration_ms(),
    )
