"""What the package raises."""

from collections.abc import Mapping, Sequence

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    InternalServerError,
    ServiceUnavailable,
    Unauthorized,
    UnprocessableEntity,
)

RETRY_AFTER_SECONDS = 5


class TaskMetricsError(Exception):
    """Root of everything that this package raises."""


class ConfigurationError(TaskMetricsError):
    """A setting or a mapping is wrong; raised at start, with the key or column, what was found and
    what would be right.
    """


class InvalidWindowError(TaskMetricsError, ValueError):
    """A snapshot was asked for an invalid window: minutes out of range, or a `now` without a
    time zone.
    """


class InvalidMetricError(TaskMetricsError, ValueError):
    """An event or field name is not valid in a `[METRICS]` line."""


class AdminUnauthorized(TaskMetricsError, Unauthorized):
    """The admin secret is missing or wrong, or none is configured (401)."""

    problem_code = "ADMIN_UNAUTHORIZED"
    description = "Send the admin secret in the X-Admin-Secret header."

    def __init__(self) -> None:
        super().__init__(www_authenticate=WWWAuthenticate("X-Admin-Secret", {"realm": "admin"}))


class InvalidQuery(TaskMetricsError, UnprocessableEntity):
    """The query string asks for something that can't be answered (422); `errors` maps each
    parameter to its messages.
    """

    problem_code = "INVALID_QUERY"
    description = "The query string is not valid; `errors` says what each parameter should be."

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.errors = errors


class MetricsUnavailable(TaskMetricsError, ServiceUnavailable):
    """The database can't be reached, or the host's pool had no connection to give (503)."""

    problem_code = "METRICS_UNAVAILABLE"
    description = "The database can't be reached, or no connection to it came free."

    def __init__(self) -> None:
        super().__init__(retry_after=RETRY_AFTER_SECONDS)


class MetricsTimeout(TaskMetricsError, ServiceUnavailable):
    """The database gave up a statement at TASK_METRICS_STATEMENT_TIMEOUT_MS (503)."""

    problem_code = "METRICS_TIMEOUT"
    description = "The database did not answer in time; a shorter window asks less of it."

    def __init__(self) -> None:
        super().__init__(retry_after=RETRY_AFTER_SECONDS)


class MetricsError(TaskMetricsError, InternalServerError):
    """Anything else that keeps a snapshot from being answered (500)."""

    problem_code = "METRICS_ERROR"
    description = "The snapshot could not be made; the log has the traceback under this request id."
