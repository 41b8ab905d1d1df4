"""Two hosts on one database for gunicorn to serve: one is impatient, and `/patient` waits long."""

from __future__ import annotations

import os
from typing import Any

import sqlalchemy as sa
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.support.host import create_host, engine_of

IMPATIENT_MS = 1_000
PATIENT_MS = 60_000

POOL_SIZE = 5
ENGINE_OPTIONS = {"pool_size": POOL_SIZE, "max_overflow": 0}


def create_app() -> DispatcherMiddleware:
    """Create both hosts, on the database of DATABASE_URL."""
    url = os.environ["DATABASE_URL"]
    impatient, patient = (served_host(url, limit) for limit in (IMPATIENT_MS, PATIENT_MS))
    return DispatcherMiddleware(impatient, {"/patient": patient})


def served_host(url: str, timeout_ms: int) -> Flask:
    """Create a host with routes that need no database."""
    app = create_host(
        url, SQLALCHEMY_ENGINE_OPTIONS=ENGINE_OPTIONS, TASK_METRICS_TIMEOUT_MS=timeout_ms
    )
    held: list[sa.Connection] = []

    @app.get("/process")
    def show_process() -> dict[str, Any]:
        pool: Any = engine_of(app).pool
        return {"pid": os.getpid(), "parent": os.getppid(), "checkedOut": pool.checkedout()}

    @app.post("/held")
    def hold_all_connections() -> dict[str, Any]:
        held.extend(engine_of(app).connect() for _ in range(POOL_SIZE))
        return {}

    @app.delete("/held")
    def give_connections_back() -> dict[str, Any]:
        while held:
            held.pop().close()
        return {}

    return app
