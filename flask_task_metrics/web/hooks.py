"""Hooks of every request of the host: its id and `request.completed` line, and the 405 and
`no-store` of the endpoints.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from time import perf_counter
from typing import Any

from flask import (
    Flask,
    Response,
    after_this_request,
    got_request_exception,
    request,
    request_started,
)
from werkzeug.exceptions import MethodNotAllowed

from flask_task_metrics.config import Settings
from flask_task_metrics.exceptions import AdminUnauthorized

from .auth import require_admin_secret
from .metric_log import taker_of, trace_id, write_line
from .problems import answer_error
from .request_id import ENVIRON_KEY, RequestIdOf, assign_request_id, current_request_id

BEGAN_KEY = "flask_task_metrics.began"


class RequestHooks:
    """The hooks of one app. They run in every request of the host, so they look up little.

    `paths` are those of the endpoints. `open_paths` need no secret.
    """

    def __init__(
        self,
        settings: Settings,
        paths: Iterable[str],
        open_paths: Iterable[str],
        request_id_of: RequestIdOf | None,
    ) -> None:
        self._header = settings.request_id_header
        self._environ_name = settings.request_id_environ
        self._paths = frozenset(paths)
        self._open_paths = frozenset(open_paths)
        self._logs_all = settings.log_requests == "all"
        self._logs_own = settings.log_requests != "none"
        self._excluded = frozenset(settings.log_exclude)
        self._request_id_of = request_id_of

    def register(self, app: Flask) -> None:
        """Register the hooks on an app."""
        request_started.connect(self.begin, app)
        got_request_exception.connect(self.note_request_id, app)
        app.before_request(self.refuse_other_methods)
        app.after_request(self.finish)

    def begin(self, app: Flask, **extra: Any) -> None:
        """Start the timer, and assign the id unless the host's own function will."""
        environ = request.environ
        environ[BEGAN_KEY] = perf_counter()
        if self._request_id_of is None:
            assign_request_id(environ, self._environ_name, None)
        # Flask skips an app's own after_request functions after one that fails.
        after_this_request(partial(self.send_request_id, environ))

    def refuse_other_methods(self) -> Response | None:
        """Answer 405 on an endpoint's path: Flask gives a routing error to no blueprint."""
        error, path = request.routing_exception, request.path
        if not isinstance(error, MethodNotAllowed):
            return None
        if path in self._open_paths:
            return not_kept(answer_error(error))
        if path not in self._paths:
            return None
        try:
            require_admin_secret()
        except AdminUnauthorized as unauthorized:
            return answer_error(unauthorized)
        return answer_error(error)

    def send_request_id(self, environ: dict[str, Any], response: Response) -> Response:
        """Put the id of a request on its response."""
        if ENVIRON_KEY not in environ:
            assign_request_id(environ, self._environ_name, self._request_id_of)
        response.headers[self._header] = environ[ENVIRON_KEY]
        return response

    def finish(self, response: Response) -> Response:
        """Complete the response: an app's after_request functions may have replaced it."""
        # Each look through the proxy costs more than a microsecond.
        current = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
        environ, path = current.environ, current.path
        if self._header not in response.headers:
            self.send_request_id(environ, response)
        if path in self._paths:
            not_kept(response)
        if self._is_logged(path):
            log_request(environ, path, response.status_code)
        return response

    def _is_logged(self, path: str) -> bool:
        wanted = self._logs_all or (self._logs_own and path in self._paths)
        return wanted and path not in self._excluded

    def note_request_id(self, app: Flask, exception: BaseException, **extra: Any) -> None:
        """Show the id on the traceback page of debug mode, which is no response of the app's."""
        if app.debug and hasattr(exception, "add_note"):
            exception.add_note(f"requestId={current_request_id()}")


def not_kept(response: Response) -> Response:
    """Have browsers and proxies neither keep a response nor guess its type."""
    response.cache_control.no_store = True
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def log_request(environ: dict[str, Any], path: str, status: int) -> None:
    """Log `request.completed`, if anybody wants it."""
    if (taker := taker_of(logging.INFO)) is None:
        return
    fields = {
        "requestId": environ[ENVIRON_KEY],
        "traceId": trace_id(environ),
        "method": environ["REQUEST_METHOD"],
        "path": path,
        "status": status,
        "durationMs": _duration_ms(environ),
    }
    write_line(taker, logging.INFO, "request.completed", fields)


def duration_ms() -> float | None:
    """Return the milliseconds since the request began; None if it failed before that."""
    return _duration_ms(request.environ)


def _duration_ms(environ: dict[str, Any]) -> float | None:
    began = environ.get(BEGAN_KEY)
    return None if began is None else round((perf_counter() - began) * 1000, 1)
