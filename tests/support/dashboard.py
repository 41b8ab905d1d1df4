"""The dashboard in a real browser, on a host that a thread serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask
from playwright.sync_api import ConsoleMessage, Page
from sqlalchemy.pool import NullPool

from flask_task_metrics import TaskSource
from tests.support.host import SECRET, Task, create_host, current_utc

if TYPE_CHECKING:
    pass

DASHBOARD = "/api/admin/metrics-dashboard"

FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    # Chromium's sandbox does not run as root.
    "--no-sandbox",
    "--no-first-run",
    # A name that is no loopback address is no secure context.
    "--host-resolver-rules=MAP plain.test 127.0.0.1",
)

VIDEOS = TaskSource(Task, dimensions={"engine": "request_id"})
"""The tests' table has no column for an engine; the request id stands in for it."""

IMPORTS = TaskSource(Task, created_at=None, statuses={"queued": "waiting"})


def dashboard_host(database_url: str, **config: Any) -> Flask:
    """Create a host of two sources that serves the dashboard."""
    sources = {"videos": VIDEOS, "imports": IMPORTS}
    # A request may be under way when the test ends; a pool would keep its connection open.
    options = {"poolclass": NullPool}
    return create_host(
        database_url,
        sources,
        TASK_METRICS_DASHBOARD=True,
        SQLALCHEMY_ENGINE_OPTIONS=options,
        **config,
    )


@contextmanager
def without_complaints(page: Page) -> Iterator[None]:
    """Check that the page has raised no error and violated no policy while the block ran."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # An answer that is no 200 is one too, and meant by the test.
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield
    assert [] == complaints


def task(status: str, minutes: float = 1, **columns: Any) -> dict[str, Any]:
    """Return a task that came and changed some minutes ago."""
    at = current_utc() - timedelta(minutes=minutes)
    return {"status": status, "created_at": at, "updated_at": at} | columns


def completed(minutes: float = 1) -> dict[str, Any]:
    """Return a task that took 20 s, some minutes ago."""
    at = current_utc() - timedelta(minutes=minutes)
    return task("completed", minutes, processing_at=at, completed_at=at + timedelta(seconds=20))


def unlock(page: Page, secret: str = SECRET) -> None:
    """Give the page a secret, as a person does."""
    page.get_by_label("Admin secret").fill(secret)
    page.keyboard.press("Enter")


def wait_for_status(page: Page, status: str) -> None:
    """Wait until the page has a status: `live`, `stale`, `locked`."""
    page.locator(f"body[data-status={status}]").wait_for()


def next_round(page: Page) -> None:
    """Let the time pass until the page asks again."""
    page.clock.fast_forward(60_000)
