"""The HTTP API: create, read, list and cancel video tasks."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, request, url_for
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException, UnprocessableEntity
from werkzeug.wrappers import Response

from flask_task_metrics import current_request_id, emit_metric

from .models import VideoTask, db, transition
from .schemas import NewTaskSchema, PageQuerySchema, TaskPageSchema, TaskSchema

blueprint = Blueprint("video_tasks", __name__, url_prefix="/api/video-tasks")

# The id column is an INTEGER, so a larger id is 404 without a query.
TASK = "/<int(max=2147483647):task_id>"


@blueprint.post("")
def create_task() -> tuple[Any, int, dict[str, str]]:
    """Queue a task, and store the id of the request on it."""
    task = VideoTask(**NewTaskSchema().load(request.get_json()), request_id=current_request_id())
    db.session.add(task)
    db.session.commit()
    emit_metric("task.created", taskId=task.id, engine=task.engine)
    location = url_for(".get_task", task_id=task.id)
    return TaskSchema().dump(task), 201, {"Location": location}


@blueprint.get("")
def list_tasks() -> Any:
    """Return one page of the tasks, the newest first."""
    tasks = sa.select(VideoTask).order_by(VideoTask.id.desc())
    query = PageQuerySchema().load(request.args.to_dict())
    return TaskPageSchema().dump(db.paginate(tasks, **query, error_out=False))


@blueprint.get(TASK)
def get_task(task_id: int) -> Any:
    """Return one task."""
    return TaskSchema().dump(db.get_or_404(VideoTask, task_id))


@blueprint.post(f"{TASK}/cancel")
def cancel_task(task_id: int) -> Any:
    """Cancel a task, unless it has ended."""
    cancelled = transition(task_id, ("queued", "processing"), "cancelled")
    task = db.get_or_404(VideoTask, task_id)
    if not cancelled:
        abort(409, f"The task is {task.status} already.")
    emit_metric("task.cancelled", taskId=task_id)
    return TaskSchema().dump(task)


def answer_http_error(error: HTTPException) -> Response:
    """Answer an HTTP error with JSON."""
    return _json_error(error, detail=error.description)


def answer_invalid_input(error: ValidationError) -> Response:
    """Answer invalid input with 422; `errors` maps each field to its messages."""
    return _json_error(UnprocessableEntity(), errors=error.messages)


def _json_error(error: HTTPException, **members: Any) -> Response:
    response = error.get_response()
    response.data = json.dumps({"status": error.code, "error": error.name, **members}) + "\n"
    response.content_type = "application/json"
    return response
