"""The benchmark: its work, and each of its commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from benchmarks.agreement import check_agreement
from benchmarks.commands import main
from benchmarks.contenders import CONTENDERS
from benchmarks.exceptions import BenchmarkError
from benchmarks.goals import DAY, FIGURES, HOUR, HTTP
from benchmarks.host import Host
from benchmarks.results import DatabaseResults, Results
from benchmarks.running import WINDOWS
from benchmarks.work import END, TASKS_PER_HOUR, last_tasks
from flask_task_metrics.error_codes import code_of_message

ROWS, FEWER_ROWS = 1000, 500
ONE_ROUND = ("--rounds", "1")
SIZES = ("--rows", str(ROWS), "--fewer-rows", str(FEWER_ROWS))


def benchmarks(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def load(database_url: str) -> Result:
    return benchmarks("load", database_url, "--rows", FEWER_ROWS, "--rows", ROWS)


@pytest.fixture
def loaded_url(database_url: str) -> str:
    """The URL of a database that is loaded."""
    result = load(database_url)
    assert 0 == result.exit_code, result.output
    return database_url


@pytest.fixture
def engine(loaded_url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(loaded_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'tasks.db'}"


def only_database(path: Path) -> DatabaseResults:
    [database] = Results.read(path).databases
    return database


def tables_of(database_url: str) -> list[str]:
    engine = sa.create_engine(database_url)
    names = sa.inspect(engine).get_table_names()
    engine.dispose()
    return names


def measured(results: DatabaseResults) -> set[tuple[str, int, int]]:
    return {(timing.contender, timing.minutes, timing.rows) for timing in results.timings}


def test_a_run_measures_every_figure_on_every_database(loaded_url: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    few = ("--requests", "2", "--writes", "20")

    result = benchmarks("run", loaded_url, *SIZES, *ONE_ROUND, *few, "--json", path)

    assert 0 == result.exit_code, result.output
    results = only_database(path)
    assert {
        *((contender, minutes, ROWS) for contender in CONTENDERS for minutes in (HOUR, DAY)),
        ("snapshot", HOUR, FEWER_ROWS),
        (HTTP, HOUR, ROWS),
    } == measured(results)
    assert all(figure.measure(results) for figure in FIGURES)
    assert ["snapshot", "row pulling"] == [memory.contender for memory in results.memory]
    assert {
        (operation, indexed)
        for operation in ("insert", "begin", "complete")
        for indexed in (True, False)
    } == {(write.operation, write.indexed) for write in results.writes}


def test_a_curve_becomes_a_chart_and_a_report(sqlite_url: str, tmp_path: Path) -> None:
    path, chart, same = (tmp_path / name for name in ("curve.json", "chart.svg", "same.svg"))
    load(sqlite_url)

    assert 0 == benchmarks("curve", sqlite_url, *ONE_ROUND, "--json", path).exit_code
    assert 0 == benchmarks("chart", path, "--output", chart).exit_code
    assert 0 == benchmarks("chart", path, "--output", same).exit_code
    report = benchmarks("report", path)

    assert {
        *((contender, minutes, ROWS) for contender in CONTENDERS for minutes in WINDOWS),
        ("snapshot", HOUR, FEWER_ROWS),
    } == measured(only_database(path))
    assert "<svg" in chart.read_text(encoding="utf-8")
    assert chart.read_bytes() == same.read_bytes()
    assert "| snapshot | sqlite | 60 | 500 |" in report.output


def test_what_is_loaded_is_not_loaded_again(loaded_url: str) -> None:
    assert [
        "benchmark_tasks_500 has its 500 rows and its indexes already.",
        "benchmark_tasks_1000 has its 1,000 rows and its indexes already.",
    ] == load(loaded_url).output.splitlines()


def test_an_index_that_is_missing_is_created(sqlite_url: str) -> None:
    load(sqlite_url)
    engine = sa.create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_benchmark_tasks_1000_created_at")
    engine.dispose()

    assert "Creating index ix_benchmark_tasks_1000_created_at" in load(sqlite_url).output
    assert "has its 1,000 rows and its indexes already" in load(sqlite_url).output


@pytest.mark.parametrize("command", [("run", *SIZES), ("curve",)])
def test_what_is_not_loaded_is_not_measured(sqlite_url: str, command: tuple[str, ...]) -> None:
    result = benchmarks(*command, sqlite_url)

    assert 1 == result.exit_code
    assert "python -m benchmarks load" in result.output


@pytest.mark.parametrize("url", ["tasks.db", "sqlite:////no/such/folder/tasks.db"])
def test_a_database_that_cannot_be_used_is_told_in_words(url: str) -> None:
    result = benchmarks("load", url)

    assert 1 == result.exit_code
    assert "Error: the database can't be used" in result.output


def test_contenders_that_disagree_are_not_measured(engine: sa.Engine) -> None:
    host = Host(engine, ROWS)
    check_agreement(host, HOUR)
    tasks = host.table.c
    completed = sa.select(sa.func.max(tasks.id)).where(tasks.status == "completed")
    with engine.begin() as connection:
        last = connection.scalar(completed)
        # A negative wait, which row pulling does not know to leave out.
        connection.execute(
            sa.update(host.table).where(tasks.id == last).values(created_at=END + timedelta(days=1))
        )

    with pytest.raises(BenchmarkError, match="latency of 60 minutes in 1,000 rows"):
        check_agreement(host, HOUR)


def test_every_size_ends_with_the_same_tasks() -> None:
    count = TASKS_PER_HOUR + 1000

    assert list(last_tasks(100)) == list(islice(last_tasks(count), count - 100, None))


def test_the_work_is_what_the_goals_speak_of() -> None:
    tasks = list(last_tasks(TASKS_PER_HOUR + 2000))
    since = END - timedelta(hours=1)
    ended = Counter(task.status for task in tasks if task.updated_at >= since)
    messages = [task.error_message for task in tasks if task.error_message]
    codes = Counter(map(code_of_message, messages))

    assert 50_000 == pytest.approx(ended["completed"], rel=0.01)
    assert 6_250 == pytest.approx(ended["failed"], rel=0.05)
    assert 6_250 == pytest.approx(ended["cancelled"], rel=0.05)
    assert 1_000 > ended["queued"] + ended["processing"] > 0
    once = sum(tasks == 1 for tasks in codes.values())
    assert 0.1 == pytest.approx(once / len(messages), rel=0.2)
    assert sorted(tasks, key=lambda task: task.created_at) == tasks


@pytest.mark.parametrize("database_url", ["postgresql", "postgresql-by-url"], indirect=True)
def test_every_number_of_partitions_is_read_each_way(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "partitions.json"
    days = ("--days", "1", "--days", "4")

    result = benchmarks("partitions", database_url, *days, *ONE_ROUND, "--json", path)

    assert 0 == result.exit_code, result.output
    ways = (
        "all are asked",
        "a source of recent tasks",
        "the same by the server's clock",
        "constraints on days that are over",
    )
    assert {
        (f"{way} (partitions: {partitions})", HOUR, tasks)
        for way in ways
        for partitions, tasks in ((1, 800), (4, 6560))
    } == measured(only_database(path))
    assert [] == tables_of(database_url)


def test_partitions_are_measured_where_they_are_known(sqlite_url: str) -> None:
    result = benchmarks("partitions", sqlite_url)

    assert 1 == result.exit_code
    assert "Error: partitions are measured on PostgreSQL, not on sqlite" in result.output


def test_each_way_to_a_database_is_measured_with_a_pool_and_without(
    database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "pooling.json"

    result = benchmarks("pooling", database_url, *ONE_ROUND, "--json", path)

    assert 0 == result.exit_code, result.output
    way = repr(sa.make_url(database_url))
    assert {
        (f"{way}, SQLAlchemy's pool", 1, 0),
        (f"{way}, no pool", 1, 0),
    } == measured(only_database(path))
    assert [] == tables_of(database_url)


def test_ways_to_different_databases_are_not_compared(sqlite_url: str, tmp_path: Path) -> None:
    other_url = f"sqlite:///{tmp_path / 'other.db'}"

    result = benchmarks("pooling", sqlite_url, other_url)

    assert 1 == result.exit_code
    assert f"Error: {other_url} is not the database of {sqlite_url}" in result.output
