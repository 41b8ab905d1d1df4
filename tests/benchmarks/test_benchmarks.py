"""The benchmark: its tasks, and each of its commands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa
from click import ClickException
from click.testing import CliRunner, Result

from benchmarks.agreement import check_agreement
from benchmarks.commands import main
from benchmarks.host import Host
from benchmarks.overhead import CASES
from benchmarks.serving import served
from benchmarks.work import END, TASKS_PER_HOUR, last_tasks
from flask_task_metrics.source import code_of_message

pytestmark = pytest.mark.slow

ROWS, FEWER_ROWS = 1000, 500
HOUR = 60
SIZES = ("--rows", FEWER_ROWS, "--rows", ROWS)


def benchmarks(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def loaded_url(database_url: str) -> str:
    """Return the URL of a database that is loaded."""
    result = benchmarks("load", database_url, *SIZES)
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


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_run_measures_every_contender_on_every_database(loaded_url: str) -> None:
    result = benchmarks("run", loaded_url, *SIZES, "--minutes", HOUR, "--rounds", 2)

    assert 0 == result.exit_code, result.output
    header, _, *rows = [cells(line) for line in result.stdout.splitlines() if line.startswith("|")]
    contenders = [
        "scan",
        "snapshot",
        "breakdown",
        "series",
        "plain SQL",
        "row pulling",
        "over HTTP",
    ]
    assert contenders == header[3:10]
    assert ["snapshot, MB", "row pulling, MB"] == header[10:]
    assert [["500", "60"], ["1,000", "60"]] == [row[1:3] for row in rows]
    number = r"[\d.,]+"
    for row in rows:
        assert re.match(r"(sqlite|postgresql|mariadb|mysql) \d+\.\d+", row[0])
        assert all(re.fullmatch(rf"{number} \({number}–{number}\)", cell) for cell in row[3:10])  # noqa: RUF001 - a range
        assert all(re.fullmatch(number, cell) for cell in row[10:])


def test_one_run_measures_several_databases_for_an_hour_and_a_day(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / name}" for name in ("one.db", "other.db")]
    for url in urls:
        benchmarks("load", url, "--rows", ROWS)

    result = benchmarks("run", *urls, "--rows", ROWS, "--rounds", 1)

    assert 2 == result.stdout.count("| 1,000 | 60 |")
    assert 2 == result.stdout.count("| 1,000 | 1440 |")


def test_a_complete_table_is_not_loaded_again(loaded_url: str) -> None:
    assert [
        "benchmark_tasks_500 already has its 500 rows and its indexes.",
        "benchmark_tasks_1000 already has its 1,000 rows and its indexes.",
    ] == benchmarks("load", loaded_url, *SIZES).output.splitlines()


def test_a_missing_index_is_created(sqlite_url: str) -> None:
    benchmarks("load", sqlite_url, *SIZES)
    engine = sa.create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_benchmark_tasks_1000_created_at")
    engine.dispose()

    again = [benchmarks("load", sqlite_url, *SIZES).output for _ in range(2)]

    assert "Creating index ix_benchmark_tasks_1000_created_at" in again[0]
    assert "already has its 1,000 rows and its indexes" in again[1]


def test_indexes_end_with_the_engine_in_place_of_those_that_do_not(loaded_url: str) -> None:
    engine = sa.create_engine(loaded_url)
    for options in (["--index-engine"], []):
        result = benchmarks("load", loaded_url, *SIZES, *options)
        assert 0 == result.exit_code, result.output
        indexes = sa.inspect(engine).get_indexes(f"benchmark_tasks_{ROWS}")
        assert [bool(options)] * 3 == ["engine" in index["column_names"] for index in indexes]
    engine.dispose()


def test_a_table_with_an_indexed_engine_is_measured(sqlite_url: str) -> None:
    benchmarks("load", sqlite_url, *SIZES, "--index-engine")
    result = benchmarks("run", sqlite_url, *SIZES, "--minutes", HOUR, "--rounds", 1)
    assert 0 == result.exit_code, result.output


def test_a_table_that_is_not_loaded_is_not_measured(sqlite_url: str) -> None:
    result = benchmarks("run", sqlite_url)

    assert 1 == result.exit_code
    assert "python -m benchmarks load URL --rows 3000000" in result.output


@pytest.mark.parametrize("url", ["tasks.db", "sqlite:////no/such/folder/tasks.db"])
def test_an_unusable_database_is_an_error_in_words(url: str) -> None:
    result = benchmarks("load", url)

    assert 1 == result.exit_code
    assert "Error: can't use the database" in result.output


def test_contenders_that_disagree_are_not_measured(engine: sa.Engine) -> None:
    host = Host(engine, ROWS)
    check_agreement(host, HOUR)
    tasks = host.table.c
    completed = sa.select(sa.func.max(tasks.id)).where(tasks.status == "completed")
    with engine.begin() as connection:
        last = connection.scalar(completed)
        # Row pulling doesn't leave out a negative wait, as the snapshot does.
        connection.execute(
            sa.update(host.table).where(tasks.id == last).values(created_at=END + timedelta(days=1))
        )

    with pytest.raises(ClickException, match="latency of 60 minutes in 1,000 rows"):
        check_agreement(host, HOUR)


def test_a_request_that_fails_is_an_error_with_the_answer(engine: sa.Engine) -> None:
    host = Host(engine, ROWS)
    host.table.drop(engine)

    with (
        served(host) as request,
        pytest.raises(ClickException, match=r"answered with 500: [^$]*METRICS_ERROR"),
    ):
        request(HOUR)


def test_every_size_ends_with_the_same_tasks() -> None:
    count = TASKS_PER_HOUR + 1000

    assert list(last_tasks(100)) == list(islice(last_tasks(count), count - 100, None))


def test_an_hour_holds_the_tasks_that_the_docs_tell() -> None:
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


def test_the_overhead_of_a_request_is_measured_in_each_case() -> None:
    result = benchmarks("overhead", "--rounds", 2)

    assert 0 == result.exit_code, result.output
    _, _, *rows = [cells(line) for line in result.stdout.splitlines()]
    assert list(CASES) == [row[0] for row in rows]
    assert all(re.fullmatch(r"-?[\d.]+ \(-?[\d.]+ to -?[\d.]+\)", row[1]) for row in rows)


def test_a_source_of_events_is_measured_beside_one_pass(database_url: str) -> None:
    options = ("--rows", 100, "--minutes", 5, "--rounds", 1)
    result = benchmarks("derived", database_url, *options)

    assert 0 == result.exit_code, result.output
    figures = r"^\| 5 \| [\d,]+ \| [\d,]+ \| \d+\.\d \| [\d,]+ \|$"
    assert re.search(figures, result.stdout, re.MULTILINE)
