"""Take the pictures of the dashboard in both themes: `make screenshots`."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import sqlalchemy as sa
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import make_server

from example_app.app import create_app
from example_app.demo.app import SOURCES
from example_app.demo.history import last_day
from example_app.models import VideoTask, db, utc_now
from flask_task_metrics import TaskMetrics

FOLDER = Path(__file__).parent / "pictures"
SECRET = "the secret of the pictures"  # noqa: S105 - no other app has it
TASKS = 8000
INCIDENT = timedelta(minutes=12)
PICTURES = {"wide": (1280, 960), "phone": (360, 740)}
FLAGS = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars")


def main() -> None:
    """Serve a backend whose engine times out, and take a picture in each theme and width."""
    logging.disable()
    FOLDER.mkdir(exist_ok=True)
    with served_backend() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for scheme in ("light", "dark"):
            for name, (width, height) in PICTURES.items():
                path = FOLDER / f"dashboard-{name}-{scheme}.png"
                take_picture(browser, url, path, scheme, {"width": width, "height": height})
                print(f"{path.relative_to(FOLDER.parent)}: {path.stat().st_size // 1024} KB")


def take_picture(browser: Browser, url: str, path: Path, scheme: Any, size: Any) -> None:
    """Take a picture of the first screen."""
    page = browser.new_page(color_scheme=scheme, viewport=size)
    page.goto(f"{url}/api/admin/metrics-dashboard?groupBy=engine")
    page.get_by_label("Admin secret").fill(SECRET)
    page.keyboard.press("Enter")
    page.locator("body[data-status=live]").wait_for()
    page.screenshot(path=path)
    page.close()


@contextmanager
def served_backend() -> Iterator[str]:
    """Serve the demo's app on tasks of the last day, and yield its URL."""
    with TemporaryDirectory() as folder:
        config = {
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/tasks.db",
            "TASK_METRICS_ADMIN_SECRET": SECRET,
            "TASK_METRICS_DASHBOARD": True,
        }
        app = create_app(config, TaskMetrics(db, SOURCES))
        with app.app_context():
            db.create_all()
            db.session.execute(sa.insert(VideoTask), tasks(utc_now()))
            db.session.commit()
        server = make_server("127.0.0.1", 0, app, threaded=True)
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def tasks(now: datetime) -> list[dict[str, Any]]:
    """Return the tasks of the last day; at its end one engine times out."""
    return [unlucky(task, now) for task in last_day(now, Random(5), TASKS)]


def unlucky(task: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return a task as the incident leaves it."""
    if task["engine"] != "cinema-1" or task["created_at"] < now - INCIDENT:
        return task
    if task["status"] in ("failed", "completed"):
        message = "ENGINE_TIMEOUT: no answer after 30 s"
        return task | {"status": "failed", "completed_at": None, "error_message": message}
    began = task["created_at"] + timedelta(seconds=20)
    if began > now - timedelta(seconds=60):
        return task
    return task | {"status": "processing", "processing_at": began, "updated_at": began}


if __name__ == "__main__":
    main()
