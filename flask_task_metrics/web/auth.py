"""The admin secret, and the decorator that asks for it."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from flask import current_app, request

from flask_task_metrics.exceptions import AdminUnauthorized
from flask_task_metrics.mounted import current_mounted

from .metric_log import emit

HEADER = "X-Admin-Secret"

BEARER_RULES = ("/metrics", "/metrics-check")
"""The endpoints whose callers, such as a Prometheus before 2.55, may send no header of their own.
They take the secret from `Authorization: Bearer …` as well.
"""

View = TypeVar("View", bound=Callable[..., Any])


def admin_secret_required(view: View) -> View:
    """Require the `X-Admin-Secret` header on a view: one of TASK_METRICS_ADMIN_SECRET.

    Otherwise the view raises `AdminUnauthorized` (401). The host's error handlers may answer it.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        require_admin_secret()
        return current_app.ensure_sync(view)(*args, **kwargs)

    return guarded  # type: ignore[return-value]  # wraps() keeps the signature


def require_admin_secret() -> None:
    """Raise `AdminUnauthorized` unless the current request has a valid `X-Admin-Secret`, or a valid
    bearer token on one of the `BEARER_RULES`.
    """
    settings = current_mounted().settings
    takes_bearer = request.path in [f"{settings.url_prefix}{rule}" for rule in BEARER_RULES]
    if reason := _refusal(settings.admin_secret, _given(takes_bearer)):
        fields = {"reason": reason, "remoteAddr": request.remote_addr}
        emit(logging.WARNING, "admin.unauthorized", fields)
        raise AdminUnauthorized(takes_bearer=takes_bearer)


def _given(takes_bearer: bool) -> list[str]:
    """Return the secrets that the current request sends, at most one in each header."""
    given = [request.headers[HEADER]] if HEADER in request.headers else []
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # Another scheme, such as Basic, is for somebody else, for example a proxy with a login.
    return [*given, token.lstrip(" ")] if takes_bearer and scheme.lower() == "bearer" else given


def _refusal(secrets: Sequence[bytes], given: Sequence[str]) -> str | None:
    """Return why a request is refused; None if it may pass: one right secret is enough."""
    if not secrets:
        return "not_configured"
    if not any(given):
        return "empty" if given else "missing"
    # WSGI decodes a header's bytes as Latin-1. The list compares every secret: any() alone would
    # stop at a match, and so take a time that depends on the secret.
    matches = [
        hmac.compare_digest(sent.encode("latin-1", "replace"), secret)
        for sent in given
        for secret in secrets
    ]
    return None if any(matches) else "wrong"
