"""The exceptions of the package; those of HTTP are werkzeug exceptions too."""

from collections.abc import Mapping, Sequence

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    InternalServerError,
    ServiceUnavailable,
    Unauthorized,
    UnprocessableEntity,
)
from werkzeug.exceptions import (
    NotImplemented as HTTPNotImplemented,
)

RETRY_AFTER_SECONDS = 5


class TaskMetricsError(Exception):
    """Root of everything that this package raises."""


class ConfigurationError(TaskMetricsError):
    """A setting or a mapping is wrong. Raised at start; names the key or column, the value found
    and a right one.
    """


class InvalidWindowError(TaskMetricsError, ValueError):
    """The window is invalid: minutes or points out of range, or a `now` without a time zone."""


class UnknownSourceError(TaskMetricsError, ValueError):
    """No source of the given name is mounted."""


class UnknownComparisonError(TaskMetricsError, ValueError):
    """A snapshot can't be compared with that; only with the `previous` window."""


class InvalidFilterError(TaskMetricsError, ValueError):
    """A filter or a grouping names an unknown dimension, or a value that the dimension can't have.

    `expected` says what would be right, such as `true or false`.
    """

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"{found}; it must be {expected}")
        self.expected = expected


class InvalidMetricError(TaskMetricsError, ValueError):
    """An event or field name is not valid in a `[METRICS]` line."""


class AdminUnauthorized(TaskMetricsError, Unauthorized):
    """The admin secret is missing or wrong, or none is configured (401)."""

    problem_code = "ADMIN_UNAUTHORIZED"
    or_bearer = "Send the admin secret in the X-Admin-Secret header, or as Authorization: Bearer."
    description: str = "Send the admin secret in the X-Admin-Secret header."

    def __init__(self, *, takes_bearer: bool = False) -> None:
        schemes = ("X-Admin-Secret", "Bearer") if takes_bearer else ("X-Admin-Secret",)
        super().__init__(
            self.or_bearer if takes_bearer else None,
            www_authenticate=[WWWAuthenticate(scheme, {"realm": "admin"}) for scheme in schemes],
        )


class InvalidQuery(TaskMetricsError, UnprocessableEntity):
    """The query string is invalid (422); `errors` maps each parameter to its messages."""

    problem_code = "INVALID_QUERY"
    description: str = "The query string is not valid; `errors` says what each parameter should be."

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.errors = errors


class ExtraMissing(TaskMetricsError, HTTPNotImplemented):
    """Something needs an extra of the package that is not installed (501)."""

    problem_code = "EXTRA_MISSING"

    def __init__(self, extra: str) -> None:
        super().__init__(
            f"This needs the extra {extra!r}: pip install 'flask-task-metrics[{extra}]'"
        )


class MetricsBusy(TaskMetricsError, ServiceUnavailable):
    """Too many callers wait for a snapshot already, or no turn came before the deadline (503)."""

    problem_code = "METRICS_BUSY"
    description: str = "Too many snapshots are being made; ask again a little later."

    def __init__(self) -> None:
        super().__init__(retry_after=RETRY_AFTER_SECONDS)


class MetricsUnavailable(TaskMetricsError, ServiceUnavailable):
    """The database can't be reached or ended the session, the host's pool had no connection before
    the deadline, or a replica cancelled the query (503).
    """

    problem_code = "METRICS_UNAVAILABLE"
    description: str = "The database can't be reached, or no connection to it came free."

    def __init__(self) -> None:
        super().__init__(retry_after=RETRY_AFTER_SECONDS)


class MetricsTimeout(TaskMetricsError, ServiceUnavailable):
    """The deadline struck in a statement, the database stopped one that waited for a lock, or
    somebody cancelled one (503).
    """

    problem_code = "METRICS_TIMEOUT"
    description: str = "The database did not answer in time; a shorter window asks less of it."

    def __init__(self) -> None:
        super().__init__(retry_after=RETRY_AFTER_SECONDS)


class MetricsError(TaskMetricsError, InternalServerError):
    """Any other error of a snapshot (500)."""

    problem_code = "METRICS_ERROR"
    description: str = (
        "The figures could not be read; the log has the traceback under this request id."
    )


class UnreadableTimestampError(MetricsError):
    """A figure needs a timestamp that the database can't subtract, such as `infinity` (500).

    Its text names the columns, for example `created_at is a zero date in 3 tasks (id 17)`.
    """

    def __init__(self, found: str) -> None:
        super().__init__()
        self.found = found

    def __str__(self) -> str:
        return self.found
