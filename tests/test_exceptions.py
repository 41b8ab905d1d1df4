"""Every error is one of the package, and one of its kind."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    Unauthorized,
    UnprocessableEntity,
)

from flask_task_metrics import (
    AdminUnauthorized,
    ConfigurationError,
    InvalidMetricError,
    InvalidQuery,
    InvalidWindowError,
    MetricsError,
    MetricsTimeout,
    MetricsUnavailable,
    TaskMetricsError,
    UnknownSourceError,
)


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (ConfigurationError, (TaskMetricsError,)),
        (InvalidWindowError, (TaskMetricsError, ValueError)),
        (UnknownSourceError, (TaskMetricsError, ValueError)),
        (InvalidMetricError, (TaskMetricsError, ValueError)),
        (AdminUnauthorized, (TaskMetricsError, Unauthorized, HTTPException)),
        (InvalidQuery, (TaskMetricsError, UnprocessableEntity, HTTPException)),
        (MetricsUnavailable, (TaskMetricsError, ServiceUnavailable, HTTPException)),
        (MetricsTimeout, (TaskMetricsError, ServiceUnavailable, HTTPException)),
        (MetricsError, (TaskMetricsError, InternalServerError, HTTPException)),
    ],
)
def test_every_error_is_one_of_the_package_and_of_its_kind(
    error: type[Exception], bases: tuple[type[Exception], ...]
) -> None:
    assert [] == [base for base in bases if not issubclass(error, base)]
