"""The dashboard by keyboard, for screen readers, on a phone, in the dark and behind a proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.support.dashboard import (
    DASHBOARD,
    completed,
    dashboard_host,
    next_round,
    task,
    unlock,
    wait_for_status,
    without_complaints,
)
from tests.support.databases import on
from tests.support.host import SECRET, add_tasks
from tests.support.serving import Server, serving

pytestmark = [on("sqlite"), pytest.mark.slow]


@pytest.fixture
def tasks(engine: sa.Engine) -> None:
    """Add tasks that fill each part of the page."""
    failures = [task("failed", 20 + n, error_message=f"E_{n}: " + "long " * 30) for n in range(3)]
    waiting = [task("queued", 30, request_id="runway"), task("processing", 200)]
    add_tasks(engine, *failures, *waiting, *(completed(m) for m in range(1, 40, 3)))


@contextmanager
def opened(context: BrowserContext, url: str) -> Iterator[Page]:
    """Open and unlock the dashboard in a tab."""
    with context, without_complaints(page := context.new_page()):
        page.goto(url)
        unlock(page)
        wait_for_status(page, "live")
        yield page


def violations(page: Page) -> list[str]:
    """Return what axe finds."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {[node['html'] for node in rule['nodes']]}" for rule in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(
    browser: Browser, site: Server, tasks: None, scheme: str, width: int
) -> None:
    size = {"width": width, "height": 800}
    context = browser.new_context(color_scheme=scheme, viewport=size)  # type: ignore[arg-type]
    with opened(context, f"{site.url(DASHBOARD)}?groupBy=engine&engine=&engine=runway") as page:
        for details in page.locator("summary").all():
            details.click()
        assert [] == violations(page)
        assert width == page.evaluate("document.documentElement.scrollWidth")

        site.stop()
        page.get_by_role("radio", name="6 h").check(force=True)
        wait_for_status(page, "stale")
        assert [] == violations(page)

        page.get_by_role("button", name="Lock").click()
        assert [] == violations(page)


def test_the_dark_theme_is_dark(browser: Browser, site: Server) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    with opened(browser.new_context(color_scheme="dark"), site.url(DASHBOARD)) as page:
        dark = page.evaluate(background)
        page.emulate_media(color_scheme="light")
        assert ("rgb(16, 19, 24)", "rgb(246, 247, 249)") == (dark, page.evaluate(background))


def test_the_keyboard_alone_suffices(locked: Page, engine: sa.Engine) -> None:
    add_tasks(engine, completed(30), task("failed", 30, request_id="runway"))
    keyboard = locked.keyboard
    keyboard.type(SECRET)
    keyboard.press("Enter")
    wait_for_status(locked, "live")
    expect(locked.locator("main")).to_be_focused()
    locked.reload()
    wait_for_status(locked, "live")
    reached: list[str] = []
    focused = "(e => e.getAttribute('aria-label') || e.name || e.id)"
    while "engine" not in reached:
        keyboard.press("Tab")
        reached.append(locked.evaluate(f"{focused}(document.activeElement)"))
    expected = ["source", "window", "copy-markdown", "lock", "Latency", "Top errors", "engine"]
    assert expected == [name for name in reached if name in expected]
    keyboard.press("Enter")
    expect(locked.locator("#group-table")).to_be_visible()
    locked.get_by_role("radio", name="1 h").focus()
    keyboard.press("ArrowLeft")
    expect(locked.get_by_role("radio", name="15 min")).to_be_checked()


def test_a_refresh_keeps_the_focus(page: Page, engine: sa.Engine) -> None:
    add_tasks(engine, task("queued", 3, request_id="req_1"))
    next_round(page)
    page.get_by_role("button", name="task 1").focus()
    add_tasks(engine, task("queued", 2), task("queued", 2))
    next_round(page)
    expect(page.locator("#backlog-tiles .figure").first).to_have_text("3")
    expect(page.get_by_role("button", name="task 1")).to_be_focused()


def test_arrows_read_the_points_of_a_chart(page: Page, engine: sa.Engine) -> None:
    add_tasks(engine, completed(1), task("failed", 1))
    next_round(page)
    expect(page.locator("#count-tiles .figure").nth(1)).to_have_text("1")
    chart = page.get_by_role("application", name="Throughput over time")
    chart.focus()
    spoken = page.locator("#throughput [aria-live=polite]")
    page.keyboard.press("End")
    expect(spoken).to_contain_text("(not complete): failed ")
    page.keyboard.press("ArrowLeft")
    expect(spoken).not_to_contain_text("(not complete)")
    page.keyboard.press("Home")
    first = spoken.text_content()
    page.keyboard.press("ArrowRight")
    assert first != spoken.text_content()
    expect(page.locator("#throughput .legend")).to_contain_text("completed 0")


def test_a_table_stands_behind_each_chart(page: Page, engine: sa.Engine) -> None:
    add_tasks(engine, completed(1))
    next_round(page)
    page.locator("#running summary").click()
    table = page.get_by_role("table", name="Time to complete")
    expect(table.get_by_role("cell", name="20 s").first).to_be_visible()


def test_times_are_local_and_point_to_utc(page: Page, engine: sa.Engine) -> None:
    add_tasks(engine, task("failed", 1))
    next_round(page)
    shown = page.locator("#error-table time")
    expect(shown).to_be_visible()
    utc = shown.get_attribute("data-utc") or ""
    # The tab is in India, which is 5:30 ahead.
    local = datetime.strptime(utc, "%Y-%m-%d %H:%M:%S UTC") + timedelta(hours=5, minutes=30)  # noqa: DTZ007 - both are naive
    assert (shown.text_content() or "").endswith(f"{local:%H:%M:%S}")
    shown.focus()
    assert f'"{utc}"' == shown.evaluate("e => getComputedStyle(e, '::after').content")


@pytest.mark.parametrize("host", ["127.0.0.1", "plain.test"])
def test_copies_on_plain_http_too(browser: Browser, site: Server, tasks: None, host: str) -> None:
    with opened(browser.new_context(), site.url(DASHBOARD, host)) as page:
        assert (host == "127.0.0.1") == page.evaluate("isSecureContext")
        page.get_by_role("button", name="Copy as Markdown").click()
        expect(page.locator("#copied")).to_have_text("Copied the snapshot")
        assert pasted(page).startswith("**State: ")
        page.get_by_role("button", name="request runway").click()
        expect(page.locator("#copied")).to_have_text("Copied runway")
        assert "runway" == pasted(page)


def pasted(page: Page) -> str:
    """Return what the clipboard has, by pasting it."""
    area = page.locator("#by-hand-text")
    page.evaluate("document.getElementById('by-hand').show()")
    area.evaluate("area => { area.readOnly = false; area.value = ''; area.focus() }")
    page.keyboard.press("Control+V")
    text = area.input_value()
    page.evaluate("document.getElementById('by-hand').close()")
    return text


def test_what_cannot_be_copied_is_shown(page: Page) -> None:
    page.evaluate(
        "() => { document.execCommand = () => false;"
        "navigator.clipboard.writeText = () => Promise.reject() }"
    )
    page.get_by_role("button", name="Copy as Markdown").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.locator("#by-hand-text").input_value().startswith("**State: idle**")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/mounted", {}), ("", {"X-Forwarded-Prefix": "/shown"})],
    ids=["script-name", "proxy"],
)
def test_works_under_a_prefix(
    browser: Browser, engine: sa.Engine, database_url: str, path: str, headers: dict[str, str]
) -> None:
    app = dashboard_host(database_url, TASK_METRICS_URL_PREFIX="/ops/tasks")
    # A proxy shows the app below /shown, or a server has mounted it below /mounted.
    shown = ProxyFix(app.wsgi_app, x_prefix=1)
    context = browser.new_context(extra_http_headers=headers)
    with serving(DispatcherMiddleware(shown, {"/mounted": app.wsgi_app})) as server:
        url = server.url(f"{path}/ops/tasks/metrics-dashboard")
        with opened(context, url) as page:
            expect(page.get_by_role("heading", name="Idle")).to_be_visible()
