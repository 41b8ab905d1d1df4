"""The dashboard's page, its assets and its sources over HTTP; no browser is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from flask_task_metrics import ConfigurationError
from tests.support.dashboard import DASHBOARD, dashboard_host
from tests.support.databases import on
from tests.support.host import HEADERS, SOURCE, create_host, dispose_engines, hosted

pytestmark = on("sqlite")

SOURCES = f"{DASHBOARD}/sources"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@pytest.fixture
def app(engine: sa.Engine, database_url: str) -> Iterator[Flask]:
    app = dashboard_host(database_url)
    yield app
    dispose_engines(app)


def assets_of(client: FlaskClient) -> list[str]:
    """Return the paths that the page loads, and those that its scripts import."""
    page = client.get(DASHBOARD).text
    paths = [f"/api/admin/{path}" for path in re.findall(r'(?:href|src)="([^"]+)"', page)]
    folder = paths[0].rpartition("/")[0]
    found: set[str] = set()
    while new := set(paths) - found:
        found |= new
        scripts = "".join(client.get(path).text for path in new)
        imported = re.findall(r'^(?:import|\}) .*from "\./(\w+\.js)";$', scripts, re.MULTILINE)
        paths = [f"{folder}/{name}" for name in imported]
    return sorted(found)


def test_by_default_there_is_no_page(engine: sa.Engine, database_url: str) -> None:
    with hosted(database_url) as app:
        paths = (DASHBOARD, SOURCES)
        answers = [app.test_client().get(path, headers=HEADERS) for path in paths]
    assert [404, 404] == [answer.status_code for answer in answers]


def test_a_switch_that_is_no_boolean_is_refused(database_url: str) -> None:
    with pytest.raises(ConfigurationError, match="is 'false'; it must be True or False"):
        create_host(database_url, TASK_METRICS_DASHBOARD="false")


def test_the_page_needs_no_secret_and_is_not_stored(client: FlaskClient) -> None:
    answer = client.get(DASHBOARD)
    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.content_type)
    names = ("Cache-Control", "Content-Security-Policy", "Referrer-Policy")
    assert ("no-store", POLICY, "no-referrer") == tuple(answer.headers[name] for name in names)
    assert "nosniff" == answer.headers["X-Content-Type-Options"]


def test_the_page_has_no_name_of_a_source_and_nothing_inline(client: FlaskClient) -> None:
    page = client.get(DASHBOARD).text
    assert [] == re.findall(r"videos|imports|engine|<style|style=|\son\w+=|<script>", page)


def test_assets_are_kept_for_a_year_below_one_hash(client: FlaskClient) -> None:
    assets = assets_of(client)
    answers = [client.get(path) for path in assets]
    assert 12 < len(assets)
    assert 1 == len({path.split("/")[4] for path in assets})
    assert re.fullmatch("[0-9a-f]{16}", assets[0].split("/")[4])
    assert {200} == {answer.status_code for answer in answers}
    expected = {("public, max-age=31536000, immutable", "nosniff")}
    headers = [answer.headers for answer in answers]
    assert expected == {(h["Cache-Control"], h["X-Content-Type-Options"]) for h in headers}
    types = {"text/javascript", "text/css", "image/svg+xml"}
    assert types == {answer.mimetype for answer in answers}


def test_all_of_it_weighs_less_than_120_kb(client: FlaskClient) -> None:
    paths = (DASHBOARD, *assets_of(client))
    assert sum(len(client.get(path).data) for path in paths) < 120_000


@pytest.mark.parametrize("name", ["page.html", "types.d.ts", "../page.py", "main.css", ""])
def test_nothing_else_is_an_asset(client: FlaskClient, name: str) -> None:
    folder = assets_of(client)[0].rpartition("/")[0]
    assert 404 == client.get(f"{folder}/{name}").status_code


def test_an_asset_of_another_version_is_not_found(client: FlaskClient) -> None:
    assert 404 == client.get(f"{DASHBOARD}/0123456789abcdef/main.js").status_code


def test_the_sources_need_the_secret(client: FlaskClient) -> None:
    assert "ADMIN_UNAUTHORIZED" == client.get(SOURCES).get_json()["code"]


def test_the_sources_have_their_dimensions(client: FlaskClient) -> None:
    answer = client.get(SOURCES, headers=HEADERS)
    assert "no-store" == answer.headers["Cache-Control"]
    assert {
        "requestId": answer.headers["X-Request-Id"],
        "minutes": {"default": 60, "max": 1440},
        "sources": [
            {"name": "videos", "dimensions": ["engine"]},
            {"name": "imports", "dimensions": []},
        ],
    } == answer.get_json()


def test_a_single_source_needs_no_name(engine: sa.Engine, database_url: str) -> None:
    with hosted(database_url, {"videos": SOURCE}, TASK_METRICS_DASHBOARD=True) as app:
        sources = app.test_client().get(SOURCES, headers=HEADERS).get_json()["sources"]
    assert [{"name": None, "dimensions": []}] == sources


def test_the_sources_have_no_parameter(client: FlaskClient) -> None:
    answer = client.get(f"{SOURCES}?minutes=5", headers=HEADERS)
    assert {"minutes": ["Unknown parameter; there is none."]} == answer.get_json()["errors"]


def test_another_method_needs_no_secret_either(app: Flask) -> None:
    client = app.test_client()
    for path in (DASHBOARD, *assets_of(client)):
        answer = client.post(path)
        assert 405 == answer.status_code
        assert "METHOD_NOT_ALLOWED" == answer.get_json()["code"]
        assert "no-store" == answer.headers["Cache-Control"]
    assert 401 == client.post(SOURCES).status_code
