"""The dashboard in Chromium: what it shows, and what it does when something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.support.dashboard import (
    DASHBOARD,
    completed,
    next_round,
    task,
    unlock,
    wait_for_status,
)
from tests.support.databases import on
from tests.support.host import SECRET, Base, add_tasks
from tests.support.serving import Server

pytestmark = [on("sqlite"), pytest.mark.slow]

HOSTILE = '<img src=x onerror="stop()">'


def tile(page: Page, section: str, name: str) -> Locator:
    """Find the figure of a tile."""
    return page.locator(f"#{section} .tile").filter(has_text=name).locator(".figure")


def test_holds_no_figure_until_the_secret_is_right(locked: Page) -> None:
    expect(locked.get_by_role("heading", name="Locked")).to_be_visible()
    assert "" == locked.locator("#state").text_content()

    unlock(locked, "a wrong secret")
    expect(locked.get_by_text("That is not the admin secret.")).to_be_visible()
    assert "" == locked.locator("#state").text_content()

    unlock(locked)
    expect(locked.get_by_role("heading", name="Idle")).to_be_visible()


def test_keeps_the_secret_for_the_tab_and_out_of_the_url(page: Page) -> None:
    page.reload()
    wait_for_status(page, "live")
    assert "?minutes=60&source=videos" in page.url
    assert SECRET not in page.url
    kept = "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])"
    assert f'[{{"task-metrics-secret:/api/admin/metrics-dashboard":"{SECRET}"}},{{}},""]' == (
        page.evaluate(kept)
    )

    page.get_by_role("button", name="Lock").click()
    wait_for_status(page, "locked")
    assert '[{},{},""]' == page.evaluate(kept)
    assert "" == page.locator("#count-tiles").text_content()


def test_an_empty_table_is_no_data(page: Page) -> None:
    expect(page.locator("#state")).to_contain_text("No data: no task in the last 1 h.")
    expect(page.locator("#errors")).to_contain_text("No task failed.")
    expect(page.locator("#latency-table tr").nth(1)).to_contain_text("no data")


def test_asks_again_by_itself(page: Page, engine: sa.Engine) -> None:
    add_tasks(engine, task("queued", 20.5, request_id="req_1"), task("queued"))
    next_round(page)
    expect(tile(page, "backlog-tiles", "Queued")).to_have_text("2")
    expect(page.locator("#backlog-tiles")).to_contain_text("20 min")
    expect(page.get_by_role("heading", name="Stalled")).to_be_visible()
    assert "Stalled · Task metrics" == page.title()


def test_asks_nothing_in_a_hidden_tab(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hidden = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    event = "document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(hidden % "true" + event)
    next_round(page)
    assert [] == asked
    with page.expect_request("**/metrics-snapshot*"):
        page.evaluate(hidden % "false" + event)
        page.clock.fast_forward(1)


def test_the_window_is_chosen_and_remembered(page: Page, engine: sa.Engine) -> None:
    add_tasks(engine, completed(30), completed(5))
    page.get_by_role("radio", name="6 h").check(force=True)
    expect(tile(page, "count-tiles", "Created")).to_have_text("2")
    page.get_by_role("radio", name="15 min").check(force=True)
    expect(tile(page, "count-tiles", "Created")).to_have_text("1")
    assert "minutes=15" in page.url
    page.go_back()
    expect(tile(page, "count-tiles", "Created")).to_have_text("2")
    expect(page.get_by_role("radio", name="6 h")).to_be_checked()


def test_the_source_is_chosen(page: Page, engine: sa.Engine) -> None:
    add_tasks(engine, task("waiting"))
    page.get_by_label("Source").select_option("imports")
    expect(tile(page, "backlog-tiles", "Queued")).to_have_text("1")
    expect(page.locator("#breakdown")).to_be_hidden()
    assert "source=imports" in page.url


def test_a_group_filters(page: Page, engine: sa.Engine) -> None:
    add_tasks(engine, task("queued", request_id="runway"), task("failed", request_id=HOSTILE))
    page.get_by_role("button", name="engine").click()
    page.get_by_role("button", name="runway", exact=True).click()
    expect(page.get_by_role("button", name="engine: runway")).to_be_visible()
    expect(tile(page, "count-tiles", "Created")).to_have_text("1")
    assert "groupBy=engine&engine=runway" in page.url

    page.get_by_role("button", name="engine: runway").click()
    expect(tile(page, "count-tiles", "Created")).to_have_text("2")
    page.get_by_role("button", name=HOSTILE, exact=True).click()
    expect(tile(page, "count-tiles", "Failed")).to_have_text("1")


def test_a_view_that_the_source_does_not_have_falls_back(page: Page, site: Server) -> None:
    page.goto(f"{site.url(DASHBOARD)}?minutes=0&source=none&groupBy=team&team=a&engine=runway")
    wait_for_status(page, "live")
    assert page.url.endswith("?minutes=60&source=videos&engine=runway")


def test_codes_and_ids_cannot_become_markup(page: Page, engine: sa.Engine) -> None:
    add_tasks(engine, task("failed", error_message=HOSTILE, request_id=HOSTILE))
    next_round(page)
    expect(page.locator("#error-table code")).to_have_text(HOSTILE)
    expect(page.locator("#error-table .wrong")).to_have_text("new")
    assert 0 == page.locator("img").count()


def test_an_error_is_shown_with_its_request_until_it_is_over(page: Page, engine: sa.Engine) -> None:
    Base.metadata.drop_all(engine)
    next_round(page)
    wait_for_status(page, "stale")
    expect(page.get_by_role("alert")).to_contain_text("could not be read")
    expect(page.locator("#notice-more")).to_contain_text("METRICS_ERROR · request req_")
    expect(page.locator("#status")).to_have_text("Stale since")

    Base.metadata.create_all(engine)
    page.get_by_role("button", name="Try now").click()
    wait_for_status(page, "live")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_server_that_went_and_came_back_needs_no_hand(page: Page, site: Server) -> None:
    site.stop()
    next_round(page)
    wait_for_status(page, "stale")
    expect(page.get_by_role("alert")).to_have_text("Unreachable: The server does not answer.")
    expect(page.get_by_role("heading", name="Idle")).to_be_visible()

    site.start()
    next_round(page)
    wait_for_status(page, "live")


def refuse(code: str, retry_after: str) -> Callable[[Route], None]:
    """Answer a snapshot as an overloaded server does."""

    def answer(route: Route) -> None:
        headers = {"Content-Type": "application/problem+json", "Retry-After": retry_after}
        body = json.dumps({"code": code, "detail": "…", "requestId": "req_1"})
        route.fulfill(status=503, headers=headers, body=body)

    return answer


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("METRICS_BUSY", "Busy: too many ask for figures at once."),
        ("METRICS_UNAVAILABLE", "Unreachable: the database does not answer."),
    ],
)
def test_waits_as_long_as_the_server_asks_for(page: Page, code: str, text: str) -> None:
    page.route("**/metrics-snapshot*", refuse(code, "120"))
    next_round(page)
    expect(page.get_by_role("alert")).to_have_text(text)
    page.unroute("**/metrics-snapshot*")
    page.clock.fast_forward(110_000)
    expect(page.locator("#status")).to_have_text("Stale since")
    page.clock.fast_forward(80_000)
    wait_for_status(page, "live")


def test_a_timeout_offers_the_shorter_window(page: Page) -> None:
    page.route("**/metrics-snapshot*minutes=360*", refuse("METRICS_TIMEOUT", "5"))
    page.get_by_role("radio", name="6 h").check(force=True)
    expect(page.get_by_role("alert")).to_contain_text("Timed out")
    # The figures that the page has are of another window.
    expect(page.locator("#figures")).to_be_hidden()
    page.get_by_role("button", name="Show the last 1 h").click()
    wait_for_status(page, "live")
    expect(page.locator("#figures")).to_be_visible()


def test_a_filter_that_the_server_refuses_can_be_cleared(page: Page) -> None:
    def answer(route: Route) -> None:
        body = '{"code": "INVALID_QUERY", "errors": {"engine": ["Must be known."]}}'
        headers = {"Content-Type": "application/problem+json"}
        route.fulfill(status=422, headers=headers, body=body)

    page.route("**/metrics-snapshot*engine=*", answer)
    page.goto(f"{page.url}&engine=none")
    expect(page.locator("#notice-more")).to_contain_text("engine: Must be known.")
    page.get_by_role("button", name="Clear all filters").click()
    wait_for_status(page, "live")


def test_a_chart_says_what_the_source_does_not_record(page: Page) -> None:
    page.get_by_label("Source").select_option("imports")
    wait_for_status(page, "live")
    page.locator("#throughput summary").click()
    newest = page.locator("#throughput tbody tr").first
    expect(newest).to_contain_text("not recorded")
    expect(newest).not_to_contain_text("no data")


def test_a_proxys_own_page_is_no_answer(page: Page) -> None:
    page.route("**/metrics-snapshot*", lambda route: route.fulfill(status=502, body="Bad Gateway"))
    next_round(page)
    expect(page.get_by_role("alert")).to_have_text("Unreachable: The server answered 502.")
    page.unroute("**/metrics-snapshot*")
    page.route("**/metrics-snapshot*", lambda route: route.fulfill(status=200, body="Welcome"))
    next_round(page)
    expect(page.get_by_role("alert")).to_contain_text("The answer isn't JSON.")


def test_an_answer_that_the_page_cannot_show_leaves_it_stale(
    browser: Browser, site: Server
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.route("**/metrics-snapshot*", lambda route: route.fulfill(status=200, body="{}"))
        page.goto(site.url(DASHBOARD))
        unlock(page)
        wait_for_status(page, "stale")
        expect(page.get_by_role("alert")).to_contain_text("The page can't show the answer")
        assert "Stale · Task metrics" == page.title()


def test_a_large_integer_is_not_rounded(page: Page, engine: sa.Engine) -> None:
    def answer(route: Route) -> None:
        body = route.fetch().text().replace('"engine": null', '"engine": 9007199254740993')
        route.fulfill(content_type="application/json", body=body)

    add_tasks(engine, task("queued"))
    page.route("**/metrics-snapshot*groupBy*", answer)
    page.get_by_role("button", name="engine").click()
    expect(page.get_by_role("button", name="9007199254740993", exact=True)).to_be_visible()
