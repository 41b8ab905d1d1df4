"""The OpenAPI document describes the app that it is printed for, and its answers keep to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from flask_task_metrics import TaskMetrics, TaskSource, exceptions
from flask_task_metrics.source import MOST_VALUES
from tests.support.commands import run_command
from tests.support.databases import on
from tests.support.dimensions import classified_source, classified_table
from tests.support.host import (
    BEARER_PATHS,
    CHECK,
    ENDPOINTS,
    METRICS,
    PATH,
    SERIES,
    SOURCE,
    Task,
    hosted,
)
from tests.support.http import body_of, get_snapshot
from tests.support.openapi import document_of
from tests.support.scraping import add_tasks_of_every_kind, families_of

pytestmark = on("sqlite")

CONDITIONS = {
    "queued": {"warn": "0:", "crit": 1},
    "state": {"warn": ["working"], "crit": ["stuck"]},
    "failure_rate": {"warn": 0.5, "min_ended": 1000},
}

STATELESS = TaskSource(Task, statuses={"queued": (), "failed": ()})
NOTHING: Any = dict.fromkeys(("created_at", "processing_at", "completed_at", "error_message"))


def operation(document: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][path]["get"]
    return found


def parameters(document: dict[str, Any], path: str = PATH, place: str = "query") -> dict[str, Any]:
    """Return the schema of each parameter, with its description."""
    return {
        parameter["name"]: parameter["schema"] | {"description": parameter["description"]}
        for parameter in operation(document, path)["parameters"]
        if parameter["in"] == place
    }


def media_types(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each media type of each response."""
    for path in document["paths"]:
        for response in operation(document, path)["responses"].values():
            yield from response["content"].items()


def complaints(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """Return how a value breaks a schema of the document."""
    validator = OAS31Validator(schema | {"components": document["components"]})
    return [error.message for error in validator.iter_errors(value)]


def test_the_document_is_valid(app: Flask) -> None:
    document = document_of(app)
    validate(document)
    assert set(ENDPOINTS) == set(document["paths"])


def test_it_describes_the_mounted_app(database_url: str) -> None:
    sources = {"jobs": classified_source(classified_table()), "tasks": SOURCE}
    settings = {"URL_PREFIX": "/ops", "MAX_MINUTES": 90, "DEFAULT_MINUTES": 30}
    config = {f"TASK_METRICS_{name}": value for name, value in settings.items()}
    with hosted(
        database_url, sources, TASK_METRICS_REQUEST_ID_HEADER="X-Correlation-Id", **config
    ) as app:
        document = document_of(app)
    validate(document)
    found = parameters(document, "/ops/metrics-snapshot")
    assert (30, 1, 90) == tuple(found["minutes"][key] for key in ("default", "minimum", "maximum"))
    assert ("jobs", ["jobs", "tasks"]) == (found["source"]["default"], found["source"]["enum"])
    assert found["engine"]["description"].endswith(" Only with the source jobs.")
    assert str(MOST_VALUES) in found["engine"]["description"]
    assert ["X-Correlation-Id"] == list(parameters(document, "/ops/metrics-snapshot", "header"))


def test_a_dimension_is_described_by_its_values(database_url: str) -> None:
    with hosted(database_url, classified_source(classified_table())) as app:
        found = parameters(document_of(app), SERIES)
    items = {
        name: found[name]["items"]["anyOf"] for name in ("engine", "tier", "priority", "urgent")
    }
    empty = {"type": "string", "enum": [""]}
    integer = {"minimum": -(2**63), "maximum": 2**63 - 1}
    assert {
        "engine": [{"type": "string", "pattern": "^[^\\x00]*$"}, empty],
        "tier": [{"type": "string", "enum": ["free", "paid", "FREE", "PAID"]}, empty],
        "priority": [{"type": "integer", "format": "int64"} | integer, empty],
        "urgent": [{"type": "boolean"}, empty],
    } == items
    assert {"array"} == {found[name]["type"] for name in items}


def test_a_dimension_that_sources_type_otherwise_is_any_of_both(database_url: str) -> None:
    texts = TaskSource(Task, dimensions={"key": "request_id"})
    numbers = TaskSource(Task, dimensions={"key": "id"})
    with hosted(database_url, {"texts": texts, "numbers": numbers}) as app:
        key = parameters(document_of(app))["key"]
    assert ["string", "integer"] == [either["items"]["anyOf"][0]["type"] for either in key["anyOf"]]


def test_both_ways_to_send_the_secret_are_described(app: Flask) -> None:
    document = document_of(app)
    secrets = {
        path: [name for way in operation(document, path)["security"] for name in way]
        for path in ENDPOINTS
    }
    one, both = ["adminSecret"], ["adminSecret", "bearer"]
    assert {path: both if path in BEARER_PATHS else one for path in ENDPOINTS} == secrets
    schemes = document["components"]["securitySchemes"]
    assert ("X-Admin-Secret", "bearer") == (
        schemes["adminSecret"]["name"],
        schemes["bearer"]["scheme"],
    )


def test_every_code_of_an_error_is_described(app: Flask) -> None:
    found = {
        code
        for mimetype, content in media_types(document_of(app))
        if mimetype == "application/problem+json"
        for code in content["examples"]
    }
    codes = {getattr(error, "problem_code", None) for error in vars(exceptions).values()} - {None}
    assert codes | {"METHOD_NOT_ALLOWED"} == found


def test_each_error_has_its_headers(app: Flask) -> None:
    responses = operation(document_of(app), CHECK)["responses"]
    common = {"X-Request-Id", "Cache-Control", "X-Content-Type-Options"}
    headers = {status: set(response["headers"]) - common for status, response in responses.items()}
    assert {"401": {"WWW-Authenticate"}, "405": {"Allow"}, "503": {"Retry-After"}} == {
        status: names for status, names in headers.items() if names
    }


def test_every_example_keeps_to_its_schema(app: Flask) -> None:
    document = document_of(app)
    for _, content in media_types(document):
        examples = [example["value"] for example in content.get("examples", {}).values()]
        for example in examples or [content["example"]]:
            assert [] == complaints(document, content["schema"], example)


def test_the_example_of_a_scrape_has_metrics_that_there_are(
    app: Flask, client: FlaskClient, engine: sa.Engine
) -> None:
    add_tasks_of_every_kind(engine)
    content = operation(document_of(app), METRICS)["responses"]["200"]["content"]
    exported = {family.name for family in families_of(get_snapshot(client, path=METRICS).text)}
    for form in content.values():
        assert {"task_metrics_tasks", "task_metrics_backlog_tasks"} == {
            family.name for family in families_of(form["example"])
        }
        assert set() == {family.name for family in families_of(form["example"])} - exported


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(SOURCE, id="usual"),
        pytest.param(TaskSource(Task, due_at="completed_at"), id="scheduled"),
        pytest.param(TaskSource(Task, **NOTHING), id="unrecorded"),
        pytest.param({"all": SOURCE, "stateless": STATELESS}, id="several"),
    ],
)
def test_the_answers_keep_to_their_schemas(
    database_url: str, engine: sa.Engine, source: Any
) -> None:
    add_tasks_of_every_kind(engine)
    conditions = CONDITIONS if isinstance(source, TaskSource) else {}
    with hosted(database_url, source, TASK_METRICS_CHECKS=conditions) as app:
        document = document_of(app)
        for path, query in ((PATH, ""), (PATH, "compare=previous"), (SERIES, ""), (CHECK, "")):
            answer = get_snapshot(app.test_client(), query, path)
            response = operation(document, path)["responses"][str(answer.status_code)]
            schema = response["content"]["application/json"]["schema"]
            assert [] == complaints(document, schema, body_of(answer))


def test_a_missing_key_or_another_one_breaks_the_schema(app: Flask, client: FlaskClient) -> None:
    document, answer = document_of(app), body_of(get_snapshot(client))
    schema = {"$ref": "#/components/schemas/Snapshot"}
    assert ["'state' is a required property"] == complaints(
        document, schema, {key: value for key, value in answer.items() if key != "state"}
    )
    assert complaints(document, schema, answer | {"other": 1})
    assert complaints(document, schema, answer | {"state": "asleep"})
    assert complaints(document, schema, answer | {"window": answer["window"] | {"to": "10:00"}})


def test_the_request_id_is_no_parameter_if_the_host_gives_it(engine: sa.Engine) -> None:
    app = Flask("host")
    TaskMetrics(engine, SOURCE, request_id_of=lambda: "its-own", app=app)
    assert {} == parameters(document_of(app), PATH, "header")


def test_without_its_extra_the_command_says_which_to_install(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apispec", None)
    needed = "This needs the extra 'openapi': pip install 'flask-task-metrics[openapi]'"
    assert (1, f"Error: EXTRA_MISSING: {needed}\n") == run_command(app, "openapi")
