"""Fixtures: Chromium, a host, and the dashboard of this host in a tab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.dashboard import (
    DASHBOARD,
    FLAGS,
    dashboard_host,
    unlock,
    wait_for_status,
    without_complaints,
)
from tests.support.databases import program
from tests.support.serving import Server, serving


# Not for the whole session: Playwright has an event loop, and other tests run loops of their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium; Playwright's own browsers are not on PyPI."""
    path = program("chromium", "chromium")
    # As long as everything else that Playwright waits for: the machine may be busy.
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site(engine: sa.Engine, database_url: str) -> Iterator[Server]:
    """Serve a host with the dashboard."""
    with serving(dashboard_host(database_url)) as site:
        yield site


@pytest.fixture
def locked(browser: Browser, site: Server) -> Iterator[Page]:
    """Open the dashboard in a tab of its own, whose time the test lets pass."""
    with browser.new_context(timezone_id="Asia/Kolkata") as context:
        page = context.new_page()
        page.clock.install()
        with without_complaints(page):
            page.goto(site.url(DASHBOARD))
            yield page


@pytest.fixture
def page(locked: Page) -> Page:
    """Unlock the dashboard, and wait for its first figures."""
    unlock(locked)
    wait_for_status(locked, "live")
    return locked
