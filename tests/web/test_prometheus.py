"""A scrape: its metrics, their names, types and labels, its format and its deadline."""

from __future__ import annotations

import sys
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from flask_task_metrics import TaskSource
from tests.support.databases import on
from tests.support.disturbances import locked_tasks
from tests.support.host import (
    HEADERS,
    METRICS,
    SOURCE,
    Task,
    add_tasks,
    current_utc,
    hosted,
    view_of_tasks,
)
from tests.support.http import body_of, get_snapshot, host_client
from tests.support.scraping import (
    CODES,
    HOSTILE,
    OPENMETRICS,
    add_tasks_of_every_kind,
    families_of,
    promtool,
    scrape,
    series_of,
)

GAUGES = (
    *("window_seconds", "window_end_timestamp_seconds", "collection_duration_seconds"),
    *("created_tasks", "tasks", "backlog_tasks", "backlog_oldest_timestamp_seconds"),
    *("latency_max_seconds", "latency_mean_seconds", "error_tasks", "error_other_tasks", "state"),
)
TYPES = {f"task_metrics_{name}": "gauge" for name in GAUGES}

STAGES = ("time_to_processing", "time_to_complete", "end_to_end")
STATUSES = ("completed", "failed", "cancelled", "processing", "queued")


@pytest.fixture
def tasks(engine: sa.Engine) -> None:
    add_tasks_of_every_kind(engine)


@pytest.mark.usefixtures("tasks")
def test_a_scrape_has_the_figures_of_the_snapshot(client: FlaskClient) -> None:
    text = scrape(client)
    snapshot = body_of(get_snapshot(client, "minutes=5"))

    def values(name: str, label: str) -> dict[str, float]:
        return {labels[label]: value for labels, value in series_of(text, name)}

    assert {status: snapshot["tasks"][status] for status in STATUSES} == values("tasks", "status")
    assert [({}, 18)] == series_of(text, "created_tasks")
    assert {"queued": 3, "processing": 4} == values("backlog_tasks", "status")
    assert {"time_to_processing": 3.5, "time_to_complete": 10, "end_to_end": 12} == values(
        "latency_max_seconds", "stage"
    )
    assert {"time_to_processing": 2.75, "time_to_complete": 9.25, "end_to_end": 12} == values(
        "latency_mean_seconds", "stage"
    )
    assert {"CODE_0": 2, "CODE_1": 2, "CODE_2": 1, "CODE_3": 1, "CODE_4": 1} == values(
        "error_tasks", "code"
    )
    assert [({}, 2)] == series_of(text, "error_other_tasks")
    assert {"stalled": 0, "stuck": 0, "idle": 0, "working": 1} == values("state", "state")


@on("sqlite")
@pytest.mark.usefixtures("tasks")
def test_latencies_are_quantiles_in_seconds(client: FlaskClient) -> None:
    quantiles = {
        (labels["stage"], labels["quantile"]): value
        for labels, value in series_of(scrape(client), "latency_seconds")
    }
    assert {(stage, quantile) for stage in STAGES for quantile in ("0.5", "0.95", "0.99")} == set(
        quantiles
    )
    assert (3.5, 10) == (
        quantiles["time_to_processing", "0.5"],
        quantiles["time_to_complete", "0.99"],
    )


@on("sqlite")
@pytest.mark.usefixtures("tasks")
def test_moments_are_timestamps_and_no_ages(client: FlaskClient) -> None:
    text = scrape(client)
    [(_, end)] = series_of(text, "window_end_timestamp_seconds")
    oldest = series_of(text, "backlog_oldest_timestamp_seconds")
    ages = {labels["status"]: end - value for labels, value in oldest}
    assert [({}, 300)] == series_of(text, "window_seconds")
    # The end is cut to the whole second, and so is an age.
    assert abs(120 - ages["queued"]) < 3
    assert abs(60 - ages["processing"]) < 3
    [(_, took)] = series_of(text, "collection_duration_seconds")
    assert 0 < took < 60


@on("sqlite")
@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ],
)
@pytest.mark.usefixtures("tasks")
def test_a_scrape_has_the_format_that_the_scraper_accepts(
    client: FlaskClient, accept: str, content_type: str
) -> None:
    answer = client.get(METRICS, headers=HEADERS | {"Accept": accept})
    assert 200 == answer.status_code
    assert answer.headers["Content-Type"].startswith(content_type)
    assert "Accept" == answer.headers["Vary"]


@on("sqlite")
@pytest.mark.parametrize("version", ["", "x", "1.0.0\xe9", "1.0.0\x01", "1..0", "-1", "9" * 5000])
@pytest.mark.usefixtures("tasks")
def test_a_strange_version_is_answered_in_a_format_there_is(
    client: FlaskClient, version: str
) -> None:
    assert families_of(scrape(client, f"application/openmetrics-text;version={version}"))


@on("sqlite")
@pytest.mark.parametrize("accept", ["", OPENMETRICS])
@pytest.mark.usefixtures("tasks")
def test_each_metric_has_its_name_and_type(client: FlaskClient, accept: str) -> None:
    families = families_of(scrape(client, accept))
    info = {"task_metrics": "info"} if accept else {"task_metrics_info": "gauge"}
    assert info | TYPES | {"task_metrics_latency_seconds": "summary"} == {
        family.name: family.type for family in families
    }


@on("sqlite")
@pytest.mark.usefixtures("tasks")
def test_promtool_finds_nothing_wrong(client: FlaskClient) -> None:
    checked = promtool("check", "metrics", stdin=scrape(client))
    assert (0, "", "") == (checked.returncode, checked.stdout, checked.stderr)


@on("sqlite")
def test_counts_without_tasks_are_zero_and_the_rest_is_absent(client: FlaskClient) -> None:
    text = scrape(client)
    zero = [{"status": status} for status in STATUSES]
    assert [(labels, 0) for labels in zero] == series_of(text, "tasks")
    assert [({}, 0)] == series_of(text, "created_tasks") == series_of(text, "error_other_tasks")
    assert [0, 0] == [value for _, value in series_of(text, "backlog_tasks")]
    absent = ("backlog_oldest_timestamp_seconds", "error_tasks", "latency_seconds")
    for name in (*absent, "latency_max_seconds", "latency_mean_seconds"):
        assert f"task_metrics_{name}" not in text


@on("sqlite")
@pytest.mark.usefixtures("tasks")
def test_what_a_source_does_not_record_is_absent(database_url: str) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("created_at", "completed_at", "error_message"))
    source = TaskSource(Task, **nothing, statuses={"queued": ()})
    with hosted(database_url, source) as app:
        text = scrape(app.test_client())
    for name in ("created_tasks", "latency", "error", "state"):
        assert f"task_metrics_{name}" not in text
    assert ({"status": "failed"}, 9) in series_of(text, "tasks")


@on("sqlite")
@pytest.mark.usefixtures("tasks")
def test_scheduled_tasks_are_counted_where_they_are_mapped(
    database_url: str, engine: sa.Engine
) -> None:
    source = TaskSource(Task, due_at="completed_at")
    later = current_utc() + timedelta(hours=1)
    add_tasks(engine, {"status": "queued", "updated_at": later, "completed_at": later})
    with hosted(database_url, source) as app:
        backlog = series_of(scrape(app.test_client()), "backlog_tasks")
    assert ({"status": "scheduled"}, 1) in backlog


@on("sqlite")
@pytest.mark.usefixtures("tasks")
def test_one_scrape_reads_all_sources_and_labels_them(
    database_url: str, metric_log: pytest.LogCaptureFixture
) -> None:
    sources = {"videos": SOURCE, "imports": TaskSource(Task, statuses={"queued": ()})}
    with hosted(database_url, sources) as app:
        text = scrape(app.test_client())
    assert promtool("check", "metrics", stdin=text).returncode == 0
    assert [3, 0] == [
        value
        for source in sources
        for labels, value in series_of(text, "backlog_tasks")
        if labels == {"source": source, "status": "queued"}
    ]
    assert [{"version"}] == [set(labels) for labels, _ in series_of(text, "info")]
    assert " minutes=5 sources=2 durationMs=" in metric_log.messages[0]
    assert metric_log.messages[0].startswith("[METRICS] metrics.scrape requestId=req_")


@on("sqlite")
@pytest.mark.usefixtures("engine")
def test_a_scrape_fails_if_one_source_does(database_url: str) -> None:
    sources = {"videos": SOURCE, "gone": TaskSource(view_of_tasks("gone"))}
    with hosted(database_url, sources) as app:
        answer = app.test_client().get(METRICS, headers=HEADERS)
    assert (500, "METRICS_ERROR") == (answer.status_code, body_of(answer)["code"])


@on("sqlite")
@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_any_code_is_a_label(database_url: str, engine: sa.Engine, accept: str) -> None:
    failed = {"status": "failed", "updated_at": current_utc()}
    add_tasks(engine, *(failed | {"error_message": code} for code in HOSTILE))
    with hosted(database_url, CODES, TASK_METRICS_TOP_ERRORS=100) as app:
        text = scrape(app.test_client(), accept)
    assert dict.fromkeys(HOSTILE, 1) == {
        labels["code"]: value for labels, value in series_of(text, "error_tasks")
    }
    if not accept:
        assert 0 == promtool("check", "metrics", stdin=text).returncode


@on("sqlite")
def test_a_code_that_is_no_text_is_a_label_of_text(database_url: str, engine: sa.Engine) -> None:
    failed = {"status": "failed", "updated_at": current_utc()}
    messages = ("x" * 1_000_000, sa.cast(b"OOM\xff", sa.Text), '{"code": "HALF_\\ud83d"}')
    add_tasks(engine, *(failed | {"error_message": message} for message in messages))
    with hosted(database_url) as app:
        text = scrape(app.test_client())
    assert {"x" * 100, "OOM\N{REPLACEMENT CHARACTER}", "HALF_\\ud83d"} == {
        labels["code"] for labels, _ in series_of(text, "error_tasks")
    }
    assert 0 == promtool("check", "metrics", stdin=text).returncode


@on("sqlite")
def test_codes_that_become_one_label_are_counted_together(
    database_url: str, engine: sa.Engine
) -> None:
    failed = {"status": "failed", "updated_at": current_utc()}
    messages = (r'{"code": "HALF_\ud83d"}', r'{"code": "HALF_\\ud83d"}')
    add_tasks(engine, *(failed | {"error_message": message} for message in messages))
    with hosted(database_url) as app:
        errors = series_of(scrape(app.test_client()), "error_tasks")
    assert [({"code": r"HALF_\ud83d"}, 2)] == errors


@on("sqlite")
@pytest.mark.parametrize(
    ("timeout", "timeout_ms"), [("2", 600_000), ("2", 0), ("0.000001", 0), ("3600", 1000)]
)
def test_the_scrapers_timeout_is_the_deadline_if_it_is_earlier(
    database_url: str, timeout: str, timeout_ms: int
) -> None:
    with (
        host_client(database_url, TASK_METRICS_TIMEOUT_MS=timeout_ms) as client,
        locked_tasks(database_url),
    ):
        began = monotonic()
        headers = HEADERS | {"X-Prometheus-Scrape-Timeout-Seconds": timeout}
        answer = client.get(METRICS, headers=headers)
    assert (503, "5") == (answer.status_code, answer.headers["Retry-After"])
    # At the latest two seconds, and whatever a busy machine needs.
    assert monotonic() - began < 20


@on("sqlite")
@pytest.mark.parametrize(
    "timeout",
    ["", "0", "0.0", "-1", "nan", "inf", "1e-9", "ten", "0x1", "9" * 400, "1_0", "٣", "5, 5"],
)
def test_a_timeout_that_is_none_leaves_the_deadline_of_the_settings(
    client: FlaskClient, timeout: str
) -> None:
    name = "X-Prometheus-Scrape-Timeout-Seconds"
    sent = timeout.encode().decode("latin-1")
    assert scrape(client, **{name: sent})


@on("sqlite")
@pytest.mark.parametrize(("config", "minutes"), [({}, 5), ({"PROMETHEUS_MINUTES": 7}, 7)])
@pytest.mark.usefixtures("engine")
def test_the_window_is_that_of_the_settings(
    database_url: str, config: dict[str, int], minutes: int
) -> None:
    settings = {f"TASK_METRICS_{name}": value for name, value in config.items()}
    with hosted(database_url, **settings) as app:
        text = scrape(app.test_client())
    assert [({}, minutes * 60)] == series_of(text, "window_seconds")


@on("sqlite")
@pytest.mark.parametrize("query", ["minutes=5", "source=videos", "name[]=up"])
def test_a_scrape_has_no_parameter(client: FlaskClient, query: str) -> None:
    answer = get_snapshot(client, query, METRICS)
    name = query.partition("=")[0]
    assert {name: ["Unknown parameter; there is none."]} == body_of(answer)["errors"]


@on("sqlite")
def test_without_its_extra_a_scrape_says_which_to_install(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    answer = client.get(METRICS, headers=HEADERS)
    assert 401 == client.get(METRICS).status_code
    assert (501, "EXTRA_MISSING") == (answer.status_code, body_of(answer)["code"])
    assert "pip install 'flask-task-metrics[prometheus]'" in body_of(answer)["detail"]
