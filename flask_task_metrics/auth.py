"""The admin secret."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import current_app, request

from .config import current_state
from .exceptions import AdminUnauthorized
from .metric_log import emit_metric

HEADER = "X-Admin-Secret"

View = TypeVar("View", bound=Callable[..., Any])


def admin_secret_required(view: View) -> View:
    """Let a view answer only requests whose `X-Admin-Secret` header is one of
    TASK_METRICS_ADMIN_SECRET.

    To any other it raises `AdminUnauthorized`, a 401 that the host's own error handlers may answer.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        require_admin_secret()
        return current_app.ensure_sync(view)(*args, **kwargs)

    return guarded  # type: ignore[return-value]  # wraps() keeps what the TypeVar stands for


def require_admin_secret() -> None:
    """Raise `AdminUnauthorized` unless the current request's `X-Admin-Secret` is right."""
    if reason := _refusal():
        emit_metric("admin.unauthorized", reason=reason, remoteAddr=request.remote_addr)
        raise AdminUnauthorized


def _refusal() -> str | None:
    """Why the current request may not pass; None where it may."""
    secrets = current_state().settings.admin_secret
    given = request.headers.get(HEADER)
    if not secrets:
        return "not_configured"
    if not given:
        return "missing" if given is None else "empty"
    # WSGI hands out a header's bytes as Latin-1. The list sees to it that every secret is compared.
    matches = [
        hmac.compare_digest(given.encode("latin-1", "replace"), secret) for secret in secrets
    ]
    return None if any(matches) else "wrong"
