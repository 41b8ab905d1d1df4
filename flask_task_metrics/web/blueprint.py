"""The blueprint, and the hooks that an app needs beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import Blueprint, Flask, Response

from flask_task_metrics.config import Settings
from flask_task_metrics.exceptions import ConfigurationError
from flask_task_metrics.mounted import EXTENSION_KEY, Mounted
from flask_task_metrics.source import TaskSource

from . import examples
from .check import metrics_check
from .dashboard import Dashboard
from .examples import Example
from .hooks import RequestHooks
from .logger import logger
from .problems import answer_error
from .prometheus import prometheus_metrics
from .query import (
    Parameters,
    no_parameters,
    series_parameters,
    snapshot_parameters,
    window_parameters,
)
from .request_id import RequestIdOf
from .scrape import TIMEOUT_HEADER
from .series import metrics_timeseries
from .snapshot import metrics_snapshot


@dataclass(frozen=True)
class Endpoint:
    """An endpoint: its path below the prefix, its view, and its part of the OpenAPI document.

    That is the parameters that it takes for a source, an example of each form of its answers by
    status, the headers that it reads with a description of each, and the extra that it needs.
    """

    rule: str
    view: Callable[[], Response]
    parameters: Callable[[Mounted, TaskSource], Parameters]
    answers: Mapping[int, tuple[Example, ...]]
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: str | None = None


ENDPOINTS = (
    Endpoint(
        "/metrics-snapshot",
        metrics_snapshot,
        snapshot_parameters,
        {200: (examples.SNAPSHOT, examples.SNAPSHOT_IN_MARKDOWN)},
    ),
    Endpoint(
        "/metrics-check",
        metrics_check,
        window_parameters,
        {200: (examples.WARNING,), 503: (examples.CRITICAL,)},
    ),
    Endpoint(
        "/metrics",
        prometheus_metrics,
        no_parameters,
        {200: (examples.SCRAPE, examples.OPENMETRICS)},
        headers={TIMEOUT_HEADER: "The seconds after which the scraper gives up."},
        extra="prometheus",
    ),
    Endpoint(
        "/metrics-timeseries", metrics_timeseries, series_parameters, {200: (examples.SERIES,)}
    ),
)


def mount(app: Flask, settings: Settings, request_id_of: RequestIdOf | None) -> None:
    """Register the blueprint on an app, and the hooks of its requests.

    Raises `ConfigurationError` if the app has a route of its own on an endpoint's path.
    """
    dashboard = Dashboard() if settings.dashboard else None
    views = {endpoint.rule: endpoint.view for endpoint in ENDPOINTS}
    views |= dashboard.views if dashboard else {}
    paths = [f"{settings.url_prefix}{rule}" for rule in views]
    if taken := sorted({rule.rule for rule in app.url_map.iter_rules()}.intersection(paths)):
        raise ConfigurationError(
            f"{app.name!r} has a route {', '.join(taken)} already; choose another "
            "TASK_METRICS_URL_PREFIX"
        )
    blueprint = create_blueprint(views)
    if dashboard:
        dashboard.add_assets(blueprint)
    app.register_blueprint(blueprint, url_prefix=settings.url_prefix)
    open_paths = (
        [f"{settings.url_prefix}{rule}" for rule in dashboard.open_rules] if dashboard else []
    )
    RequestHooks(settings, paths, open_paths, request_id_of).register(app)
    if settings.weakness:
        logger().warning(settings.weakness)


def create_blueprint(views: Mapping[str, Callable[[], Response]]) -> Blueprint:
    """Create the blueprint of one app, with its views by their rules."""
    blueprint = Blueprint(EXTENSION_KEY, __name__)
    for rule, view in views.items():
        blueprint.add_url_rule(rule, view_func=view)
        # An upgrade request gets the same answer, not Flask's 400 before the secret is checked.
        upgrade = f"{view.__name__}_upgrade"
        blueprint.add_url_rule(rule, upgrade, view, websocket=True, methods=["GET"])
    # Flask prefers an app's handler of one status to a blueprint's handler of all exceptions, so
    # each status is registered by itself.
    for handled in (401, 405, 422, 500, 501, 503, Exception):
        blueprint.register_error_handler(handled, answer_error)
    return blueprint
