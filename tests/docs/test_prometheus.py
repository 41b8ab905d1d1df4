"""The alert rules, the dashboard and the scrape configurations work with the metrics there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.support.databases import on
from tests.support.pages import ROOT, code, text
from tests.support.scraping import add_tasks_of_every_kind, promtool, samples_of, scrape

PAGE = "docs/how-to/prometheus.md"
FOLDER = "docs/prometheus"
DASHBOARD = f"{FOLDER}/dashboard.json"


def expressions_of_dashboard() -> list[str]:
    """Return the queries of all panels, with a value for each variable."""
    panels = json.loads(text(DASHBOARD))["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    return [
        expression.replace("$job", "task-metrics").replace("$source", ".*")
        for expression in expressions
    ]


def names_in(file: str) -> set[str]:
    """Return the metrics that a file names."""
    return set(re.findall(r"\btask_metrics_\w+", text(file)))


@on("sqlite")
def test_all_metrics_that_they_name_are_exported(client: FlaskClient, engine: sa.Engine) -> None:
    add_tasks_of_every_kind(engine)
    exported = {name for name, _, _ in samples_of(scrape(client))}
    named = [names_in(f"{FOLDER}/{file}") for file in ("alerts.yml", "alerts.test.yml")]
    assert set() == names_in(DASHBOARD).union(*named) - exported
    assert exported == names_in(PAGE)


def test_promtool_accepts_the_rules_and_their_tests_pass() -> None:
    checked = promtool("check", "rules", "--lint=all", f"{ROOT}/{FOLDER}/alerts.yml")
    assert 0 == checked.returncode, checked.stdout + checked.stderr
    tested = promtool("test", "rules", f"{ROOT}/{FOLDER}/alerts.test.yml")
    assert 0 == tested.returncode, tested.stdout + tested.stderr


def test_each_rule_is_tested_both_ways() -> None:
    rules = re.findall(r"alert: (\w+)", text(f"{FOLDER}/alerts.yml"))
    tests = text(f"{FOLDER}/alerts.test.yml")
    assert [
        "TaskMetricsDown",
        "TaskBacklogOld",
        "TaskProcessingStuck",
        "TaskFailureRateHigh",
        "TasksNotWorked",
    ] == rules
    fires = re.findall(r"alertname: (\w+)\n\s*exp_alerts", tests)
    silent = re.findall(r"alertname: (\w+)}", tests)
    assert set(rules) == set(fires) == set(silent)


def test_the_queries_of_the_dashboard_can_be_parsed(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(expressions_of_dashboard())
    ]
    file = tmp_path / "dashboard.json"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = promtool("check", "rules", str(file))
    assert f"{len(rules)} rules found" in checked.stdout, checked.stdout + checked.stderr


def test_no_query_takes_a_rate_or_adds_instances_up() -> None:
    queries = [*expressions_of_dashboard(), text(f"{FOLDER}/alerts.yml")]
    for query in queries:
        assert not re.search(r"rate\(|increase\(|sum without \(instance|sum by|sum\(", query)


def test_the_scrape_configuration_of_older_ones_is_valid(tmp_path: Path) -> None:
    [shown] = [block for block in code(PAGE, "yaml") if "credentials_file" in block]
    (tmp_path / "secret").write_text("a secret")
    file = tmp_path / "prometheus.yml"
    file.write_text(shown.replace("/etc/prometheus/task-metrics-secret", f"{tmp_path}/secret"))
    checked = promtool("check", "config", str(file))
    assert 0 == checked.returncode, checked.stdout + checked.stderr
