"""`GET /metrics-snapshot`."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, request

from flask_task_metrics.figures import Snapshot
from flask_task_metrics.markdown import markdown_of
from flask_task_metrics.mounted import current_mounted

from .auth import admin_secret_required
from .hooks import duration_ms
from .markdown import markdown_response, prefers_markdown
from .metric_log import emit_metric
from .problems import json_response
from .query import (
    filter_in,
    load_query,
    named_source,
    snapshot_parameters,
    source_asked_for,
)
from .request_id import current_request_id
from .schemas import SnapshotSchema


@admin_secret_required
def metrics_snapshot() -> Response:
    """Answer with the snapshot of the last `minutes` of a source.

    All figures are exact, and come from one consistent view of the database.
    """
    mounted = current_mounted()
    source = source_asked_for(mounted, request.args)
    query = load_query(request.args, snapshot_parameters(mounted, source))
    named, where, compare = named_source(query), filter_in(query, source), query.get("compare")
    reader = mounted.reader_of(query.get("source"))
    snapshot = reader.snapshot(
        query["minutes"], where=where, group_by=query.get("groupBy"), compare=compare
    )
    _log_snapshot(snapshot, compare, **named)
    response = _response(snapshot, **named)
    response.vary.add("Accept")
    return response


def _response(snapshot: Snapshot, **named: str) -> Response:
    """Answer in Markdown if the client prefers it, or else in JSON."""
    request_id = current_request_id()
    if prefers_markdown():
        return markdown_response(markdown_of(snapshot, request_id=request_id, **named))
    answer = {"request_id": request_id} | named | vars(snapshot)
    return json_response(SnapshotSchema().dumps(answer, indent=2, ensure_ascii=False))


def _log_snapshot(snapshot: Snapshot, compare: str | None, source: str | None = None) -> None:
    scheduled, in_all = snapshot.backlog.scheduled, snapshot.latency.end_to_end_ms
    emit_metric(
        "metrics.snapshot",
        source=source,
        minutes=snapshot.window.minutes,
        compare=compare,
        **asdict(snapshot.tasks),
        state=snapshot.state,
        backlogQueued=snapshot.backlog.queued.count,
        backlogProcessing=snapshot.backlog.processing.count,
        backlogScheduled=scheduled and scheduled.count,
        samples=in_all and in_all.samples,
        durationMs=duration_ms(),
    )
