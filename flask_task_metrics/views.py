"""The blueprint: `GET /api/admin/metrics-snapshot`."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, request
from marshmallow import ValidationError
from werkzeug.exceptions import MethodNotAllowed

from .auth import admin_secret_required, require_admin_secret
from .cli import COMMANDS, doctor, indexes
from .config import EXTENSION_KEY, Settings, current_state
from .exceptions import AdminUnauthorized, InvalidQuery
from .metric_log import duration_ms, emit_metric
from .problems import answer_error, json_response
from .request_id import current_request_id
from .schemas import QuerySchema, SnapshotSchema
from .snapshot import Snapshot


def create_blueprint() -> Blueprint:
    """The blueprint of an app."""
    blueprint = Blueprint(EXTENSION_KEY, __name__, cli_group=COMMANDS)
    blueprint.add_url_rule("/metrics-snapshot", view_func=metrics_snapshot)
    blueprint.cli.add_command(indexes)
    blueprint.cli.add_command(doctor)
    # Flask asks an app's handlers of one status before a blueprint's of all, so each is named.
    for handled in (401, 405, 422, 500, 503, Exception):
        blueprint.register_error_handler(handled, answer_error)
    return blueprint


@admin_secret_required
def metrics_snapshot() -> Response:
    """Answer with the snapshot of the last `minutes`."""
    state = current_state()
    snapshot = state.snapshot(_minutes(state.settings))
    _log_snapshot(snapshot)
    answer = {"request_id": current_request_id()} | vars(snapshot)
    return json_response(SnapshotSchema().dumps(answer, indent=2, ensure_ascii=False))


def _minutes(settings: Settings) -> int:
    schema = QuerySchema.with_limits(settings.default_minutes, settings.max_minutes)
    try:
        query = schema.load(request.args.to_dict(flat=False))
    except ValidationError as error:
        raise InvalidQuery(error.messages_dict) from None
    minutes: int = query["minutes"]
    return minutes


def _log_snapshot(snapshot: Snapshot) -> None:
    emit_metric(
        "metrics.snapshot",
        minutes=snapshot.window.minutes,
        **asdict(snapshot.tasks),
        backlogQueued=snapshot.backlog.queued.count,
        backlogProcessing=snapshot.backlog.processing.count,
        samples=snapshot.latency.end_to_end_ms.samples,
        durationMs=duration_ms(),
    )


def refuse_other_methods() -> Response | None:
    """Answer a method that the snapshot's path does not have, because Flask gives an error of
    routing to no blueprint.
    """
    error = request.routing_exception
    is_ours = request.path == current_state().settings.snapshot_path
    if not is_ours or not isinstance(error, MethodNotAllowed):
        return None
    try:
        require_admin_secret()
    except AdminUnauthorized as unauthorized:
        return answer_error(unauthorized)
    return answer_error(error)


def forbid_storing(response: Response) -> Response:
    """Have nothing between here and the client keep an answer of the snapshot's path, or take it
    for another type.
    """
    if request.path == current_state().settings.snapshot_path:
        response.cache_control.no_store = True
        response.headers["X-Content-Type-Options"] = "nosniff"
    return response
