"""The snapshot is answered in Markdown to a client that prefers it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.support.databases import on
from tests.support.host import HEADERS, PATH, SOURCE, add_tasks
from tests.support.http import host_client
from tests.support.tasks import failed_now

pytestmark = on("sqlite")

MARKDOWN = "text/markdown; charset=utf-8"
JSON = "application/json"
PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/markdown", MARKDOWN),
        ("text/markdown; charset=utf-8", MARKDOWN),
        ("text/markdown, */*", MARKDOWN),
        ("text/*", MARKDOWN),
        ("text/html, text/markdown;q=0.5", MARKDOWN),
        ("application/json;q=0.1, text/markdown;q=0.9", MARKDOWN),
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/json, text/markdown", JSON),
        ("application/json; charset=utf-8, text/markdown;q=0.5", JSON),
        ("text/markdown;q=0", JSON),
        ("text/html", JSON),
        ("garbage", JSON),
    ],
)
def test_the_client_chooses_the_form(client: FlaskClient, accept: str, content_type: str) -> None:
    answer = client.get(PATH, headers=HEADERS | {"Accept": accept})

    assert (200, content_type) == (answer.status_code, answer.content_type)
    assert "Accept" == answer.headers["Vary"]


def test_a_client_that_names_no_form_gets_json(client: FlaskClient) -> None:
    answer = client.get(PATH, headers=HEADERS)

    assert (JSON, "Accept") == (answer.content_type, answer.headers["Vary"])


def test_the_text_has_the_figures(client: FlaskClient, engine: sa.Engine) -> None:
    add_tasks(engine, failed_now())
    headers = HEADERS | {"Accept": "text/markdown", "X-Request-Id": "req_1"}
    text = client.get(PATH, query_string="compare=previous", headers=headers).text

    assert text.startswith("**State: idle**: no due task is queued; the last task ended ")
    assert "; request `req_1`\n" in text
    assert "- failed: 1 (+1, before: 0)\n" in text
    assert "\n1. `NO_ANSWER`: 1 (+1, before: 0), **new**, first at " in text


def test_one_of_several_sources_is_named(database_url: str) -> None:
    with host_client(database_url, {"videos": SOURCE, "imports": SOURCE}) as client:
        text = client.get(PATH, headers=HEADERS | {"Accept": "text/markdown"}).text

    assert "; source `videos`; request " in text


@pytest.mark.parametrize(("query", "status"), [("minutes=0", 422), ("", 401)])
def test_an_error_is_a_problem_all_the_same(client: FlaskClient, query: str, status: int) -> None:
    headers = {"Accept": "text/markdown"} | (HEADERS if status == 422 else {})
    answer = client.get(PATH, query_string=query, headers=headers)

    assert (status, PROBLEM) == (answer.status_code, answer.content_type)
