"""The figures as metrics of Prometheus. Needs the extra `prometheus`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from flask_task_metrics.figures import STATES, BacklogCount, LatencyStats

from .scrape import Scraped

PREFIX = "task_metrics_"
VERSION = version("flask-task-metrics")

Samples: TypeAlias = Iterable[tuple[dict[str, str], float | None]]
"""Labels and values; None for a value that is not there."""


@dataclass(frozen=True)
class Family:
    """A metric: its name without the prefix, its help and its samples."""

    name: str
    help: str
    samples: Callable[[Scraped], Samples]
    type: str = "gauge"

    def metric(self, sources: Iterable[Scraped]) -> Metric:
        """Return the metric with the samples of all sources."""
        metric = Metric(f"{PREFIX}{self.name}", self.help, self.type)
        for scraped in sources:
            source = {} if scraped.source is None else {"source": scraped.source}
            for labels, value in self.samples(scraped):
                if value is not None:
                    metric.add_sample(metric.name, source | labels, value)
        return metric


def _tasks(scraped: Scraped) -> Samples:
    tasks = vars(scraped.snapshot.tasks)
    return [({"status": name}, count) for name, count in tasks.items() if name != "created"]


def _backlog(scraped: Scraped) -> Samples:
    backlog = vars(scraped.snapshot.backlog)
    return [({"status": name}, count and count.count) for name, count in backlog.items()]


def _oldest(scraped: Scraped) -> Samples:
    backlog, end = scraped.snapshot.backlog, scraped.snapshot.window.end.timestamp()

    def since(count: BacklogCount) -> float | None:
        return None if count.oldest_age_seconds is None else end - count.oldest_age_seconds

    yield {"status": "queued"}, since(backlog.queued)
    yield {"status": "processing"}, since(backlog.processing)


def _latencies(scraped: Scraped) -> Iterator[tuple[str, LatencyStats]]:
    for name, stats in vars(scraped.snapshot.latency).items():
        if stats:
            yield name.removesuffix("_ms"), stats


def _quantiles(scraped: Scraped) -> Samples:
    for stage, stats in _latencies(scraped):
        for quantile, value in (("0.5", stats.p50), ("0.95", stats.p95), ("0.99", stats.p99)):
            yield {"stage": stage, "quantile": quantile}, _seconds(value)


def _maxima(scraped: Scraped) -> Samples:
    return [({"stage": stage}, _seconds(stats.max)) for stage, stats in _latencies(scraped)]


def _means(scraped: Scraped) -> Samples:
    return [({"stage": stage}, _seconds(stats.avg)) for stage, stats in _latencies(scraped)]


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _errors(scraped: Scraped) -> Samples:
    counts: Counter[str] = Counter()
    for error in scraped.snapshot.top_errors or ():
        counts[_label(error.code)] += error.count
    return [({"code": code}, count) for code, count in counts.items()]


def _other_errors(scraped: Scraped) -> Samples:
    errors = scraped.snapshot.top_errors
    if errors is not None:
        yield {}, scraped.snapshot.tasks.failed - sum(error.count for error in errors)


def _states(scraped: Scraped) -> Samples:
    state = scraped.snapshot.state
    for name in STATES if state else ():
        yield {"state": name}, int(name == state)


def _label(text: str) -> str:
    """Return a text as UTF-8 can encode it: a lone surrogate becomes a backslash escape."""
    return text.encode(errors="backslashreplace").decode()


FAMILIES = (
    Family(
        "window_seconds",
        "Length of the window of the counts and latencies.",
        lambda scraped: [({}, scraped.snapshot.window.minutes * 60)],
    ),
    Family(
        "window_end_timestamp_seconds",
        "When the figures were read.",
        lambda scraped: [({}, scraped.snapshot.window.end.timestamp())],
    ),
    Family(
        "collection_duration_seconds",
        "How long it took to read the figures.",
        lambda scraped: [({}, scraped.seconds)],
    ),
    Family(
        "created_tasks",
        "Tasks created in the window.",
        lambda scraped: [({}, scraped.snapshot.tasks.created)],
    ),
    Family("tasks", "Tasks that got their status in the window.", _tasks),
    Family("backlog_tasks", "Tasks that have this status now, however old.", _backlog),
    Family(
        "backlog_oldest_timestamp_seconds",
        "When the oldest task of the backlog began to wait or to run.",
        _oldest,
    ),
    Family(
        "latency_seconds",
        "Latency of the tasks completed in the window.",
        _quantiles,
        type="summary",
    ),
    Family("latency_max_seconds", "Longest latency in the window.", _maxima),
    Family("latency_mean_seconds", "Mean latency in the window.", _means),
    Family("error_tasks", "Tasks failed in the window, of the most frequent codes.", _errors),
    Family("error_other_tasks", "Tasks failed in the window, of all other codes.", _other_errors),
    Family("state", "1 for the state of the tasks, 0 for the others.", _states),
)


class SnapshotCollector(Collector):
    """Collect the metrics of one scrape."""

    def __init__(self, sources: Sequence[Scraped]) -> None:
        self._sources = sources

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that to register the collector is not to collect."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Yield each metric that has a sample."""
        info = Metric(PREFIX.rstrip("_"), "The package that reads the tasks.", "info")
        info.add_sample(f"{PREFIX}info", {"version": VERSION}, 1)
        yield info
        metrics = (family.metric(self._sources) for family in FAMILIES)
        yield from (metric for metric in metrics if metric.samples)


def exposition(accept: str, sources: Sequence[Scraped]) -> tuple[bytes, str]:
    """Return a scrape in the format that a client accepts, and its content type."""
    registry = CollectorRegistry()
    registry.register(SnapshotCollector(sources))
    encode, content_type = _encoder(accept)
    return encode(registry), content_type


def _encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    try:
        # A version that the client asks for comes back in the content type.
        return choose_encoder(accept if accept.isascii() and accept.isprintable() else "")
    except (TypeError, ValueError):
        # The client library compares versions that are no numbers.
        return choose_encoder("")
