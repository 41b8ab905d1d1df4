"""A host that reads its snapshots from a replica, and what both servers say."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from flask import Flask

from tests.support.host import HEADERS, PATH, SOURCE, hosted


def replica_host(
    primary: sa.Engine, replica: sa.Engine, source: Any = SOURCE
) -> AbstractContextManager[Flask]:
    """Create a host that reads its snapshots from the replica, while a block runs."""
    binds = {"replica": replica.url}
    return hosted(primary.url, source, SQLALCHEMY_BINDS=binds, TASK_METRICS_BIND_KEY="replica")


def failed_tasks(app: Flask) -> int:
    """Return the failed tasks of the host's snapshot."""
    answer = app.test_client().get(PATH, headers=HEADERS)
    assert 200 == answer.status_code
    failed: int = answer.get_json()["tasks"]["failed"]
    return failed


def scalar(engine: sa.Engine, statement: str, **parameters: object) -> Any:
    """Return the first value that a statement selects."""
    with engine.connect() as connection:
        return connection.exec_driver_sql(statement, parameters).scalar()
