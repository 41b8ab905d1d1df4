"""The blueprint, and the hooks that an app needs beside it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, Response

from flask_task_metrics.config import Settings
from flask_task_metrics.exceptions import ConfigurationError
from flask_task_metrics.mounted import EXTENSION_KEY

from .check import metrics_check
from .hooks import RequestHooks
from .logger import logger
from .problems import answer_error
from .prometheus import prometheus_metrics
from .request_id import RequestIdOf
from .series import metrics_timeseries
from .snapshot import metrics_snapshot

ENDPOINTS: dict[str, Callable[[], Response]] = {
    "/metrics-snapshot": metrics_snapshot,
    "/metrics-check": metrics_check,
    "/metrics": prometheus_metrics,
    "/metrics-timeseries": metrics_timeseries,
}


def mount(app: Flask, settings: Settings, request_id_of: RequestIdOf | None) -> None:
    """Register the blueprint on an app, and the hooks of its requests.

    Raises `ConfigurationError` if the app has a route of its own on an endpoint's path.
    """
    paths = [f"{settings.url_prefix}{rule}" for rule in ENDPOINTS]
    if taken := sorted({rule.rule for rule in app.url_map.iter_rules()}.intersection(paths)):
        raise ConfigurationError(
            f"{app.name!r} has a route {', '.join(taken)} already; choose another "
            "TASK_METRICS_URL_PREFIX"
        )
    app.register_blueprint(create_blueprint(), url_prefix=settings.url_prefix)
    RequestHooks(settings, paths, request_id_of).register(app)
    if settings.weakness:
        logger().warning(settings.weakness)


def create_blueprint() -> Blueprint:
    """Create the blueprint of one app."""
    blueprint = Blueprint(EXTENSION_KEY, __name__)
    for rule, view in ENDPOINTS.items():
        blueprint.add_url_rule(rule, view_func=view)
        # An upgrade request gets the same answer, not Flask's 400 before the secret is checked.
        upgrade = f"{view.__name__}_upgrade"
        blueprint.add_url_rule(rule, upgrade, view, websocket=True, methods=["GET"])
    # Flask prefers an app's handler of one status to a blueprint's handler of all exceptions, so
    # each status is registered by itself.
    for handled in (401, 405, 422, 500, 501, 503, Exception):
        blueprint.register_error_handler(handled, answer_error)
    return blueprint
