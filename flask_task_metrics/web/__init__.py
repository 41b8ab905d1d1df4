"""HTTP: the blueprint and its endpoints, the admin secret, request ids and the `[METRICS]` log."""

from .auth import admin_secret_required
from .blueprint import mount
from .metric_log import emit_metric
from .request_id import RequestIdFilter, current_request_id

__all__ = [
    "RequestIdFilter",
    "admin_secret_required",
    "current_request_id",
    "emit_metric",
    "mount",
]
