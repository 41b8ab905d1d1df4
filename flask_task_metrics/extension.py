"""`TaskMetrics`: the extension that a host mounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Literal

import sqlalchemy as sa
from flask import Flask

from . import cli, web
from .config import Settings
from .connections import Connector
from .engines import check_bind_key, engine_of
from .exceptions import ConfigurationError
from .figures import Series, Snapshot
from .mounted import EXTENSION_KEY, Mounted, current_mounted
from .reader import Reader
from .source import ErrorCodeOf, Mappable, named_sources
from .turns import Turns


class TaskMetrics:
    """Mount the endpoints below `/api/admin`, such as `metrics-snapshot`, request ids, the
    `[METRICS]` log and `flask task-metrics` on an app.

    `db` is a Flask-SQLAlchemy or Flask-SQLAlchemy-Lite extension, or a SQLAlchemy `Engine`.
    `source` is a `TaskSource`, or a model or table with the column names that `TaskSource` expects,
    or a mapping of names to several of these, the default one first: `{"videos": VideoTask,
    "imports": TaskSource(…)}`. A name has 1 to 64 characters of `[A-Za-z0-9._-]`, and begins with a
    letter or a digit.

    `error_code_of` returns the error code of a failed task's message; where it returns None, the
    package's own rules apply. `request_id_of` takes no argument and returns the id that the host
    gave the current request; see `current_request_id`.

    Raises `ConfigurationError` for an `error_code_of` or a `request_id_of` that is no function, for
    an invalid name and an empty mapping, and with `app` the errors of `init_app`.
    """

    def __init__(
        self,
        db: Any,
        source: Mappable | Mapping[str, Mappable],
        *,
        error_code_of: ErrorCodeOf | None = None,
        request_id_of: Callable[[], str | None] | None = None,
        app: Flask | None = None,
    ) -> None:
        self._db = db
        self._sources = named_sources(source)
        _check_function("error_code_of", error_code_of, "from a message to its code")
        _check_function("request_id_of", request_id_of, "that returns the current request's id")
        self._error_code_of = error_code_of
        self._request_id_of = request_id_of
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Mount on an app, after the `init_app` of its database extension.

        Raises `ConfigurationError` for an invalid setting or mapping, for a database that is not
        set up or not supported, and on an app that already has a `TaskMetrics` or a route on the
        path of an endpoint.
        """
        if EXTENSION_KEY in app.extensions:
            raise ConfigurationError(
                f"a TaskMetrics is already mounted on {app.name!r}; an app can have one"
            )
        settings = Settings.from_config(app.config)
        with app.app_context():
            engines = self._engines(settings)
        readers = self._readers(engines, settings)
        web.mount(app, settings, self._request_id_of)
        cli.mount(app)
        # An app may know the replica alone, so a missing primary is no error at start.
        primary_engine = partial(engine_of, self._db, None)
        app.extensions[EXTENSION_KEY] = Mounted(
            settings, readers, primary_engine, self._request_id_of
        )

    def _engines(self, settings: Settings) -> dict[str | None, sa.Engine]:
        """Return the engine of each source, after a check of the source on it."""
        engines = {}
        for name, source in self._sources.items():
            with _naming_source(name):
                engines[name] = engine_of(self._db, settings.bind_of(name), source.bind_key)
                source.check(engines[name].dialect)
                settings.check_source(source)
        binds = {name: source.bind_key for name, source in self._sources.items()}
        check_bind_key(settings.bind_key, binds)
        return engines

    def _readers(
        self, engines: Mapping[str | None, sa.Engine], settings: Settings
    ) -> dict[str | None, Reader]:
        turns = Turns(settings.max_concurrent)
        connectors = {
            engine: Connector(engine, settings.max_concurrent) for engine in set(engines.values())
        }
        return {
            name: Reader(
                source,
                connectors[engines[name]],
                turns,
                settings,
                error_code_of=self._error_code_of,
            )
            for name, source in self._sources.items()
        }

    def snapshot(
        self,
        minutes: int | None = None,
        *,
        source: str | None = None,
        where: Mapping[str, Any] | None = None,
        group_by: str | None = None,
        compare: Literal["previous"] | None = None,
        now: datetime | None = None,
    ) -> Snapshot:
        """Read all figures of the last `minutes` before `now`, inside an app context.

        `minutes` are TASK_METRICS_DEFAULT_MINUTES by default. `source` is the name of one of
        several sources, by default of the first. `compare="previous"` adds the figures of the
        window before. `now` is an aware datetime, by default the current time.

        `where` reads only the tasks whose dimensions have one of the values that it names:
        `{"engine": ["runway", "pika"], "team": None}`. None stands for null and for an empty text.
        `group_by` names a dimension, and adds the figures of each of its values.

        Raises `InvalidWindowError` for minutes that are not 1 to TASK_METRICS_MAX_MINUTES,
        `UnknownSourceError` for a name that no source has, `InvalidFilterError` for a dimension
        that the source does not declare and for a value of another type, `UnknownComparisonError`
        for another `compare`, `MetricsBusy`, `MetricsUnavailable`, `MetricsTimeout` and
        `MetricsError` as the HTTP endpoint answers them, `TaskMetricsError` if `error_code_of`
        returns no string, and `ConfigurationError` on an app with another `TaskMetrics`.
        """
        mounted = self._mounted("snapshot()")
        reader = mounted.reader_of(source)
        minutes = mounted.settings.default_minutes if minutes is None else minutes
        return reader.snapshot(minutes, now, where=where, group_by=group_by, compare=compare)

    def series(
        self,
        minutes: int | None = None,
        points: int = 60,
        *,
        source: str | None = None,
        where: Mapping[str, Any] | None = None,
        now: datetime | None = None,
    ) -> Series:
        """Read the course of the last `minutes` before `now`, in steps of time, inside an app
        context.

        There are at most `points` steps, 1 to 500, and one more if the window begins within a step.
        For example a day in 100 points is read in steps of 15 minutes. `where` filters as in
        `snapshot`.

        Raises `InvalidWindowError` for other points, and the errors of `snapshot`.
        """
        mounted = self._mounted("series()")
        reader = mounted.reader_of(source)
        minutes = mounted.settings.default_minutes if minutes is None else minutes
        return reader.series(minutes, points, now, where=where)

    def _mounted(self, call: str) -> Mounted:
        """Return the state of the current app, if it is this one that is mounted on it."""
        mounted = current_mounted()
        if {name: reader.source for name, reader in mounted.readers.items()} != self._sources:
            raise ConfigurationError(
                f"another TaskMetrics is mounted on this app; call the {call} of that one"
            )
        return mounted


@contextmanager
def _naming_source(name: str | None) -> Iterator[None]:
    """Name the source in a `ConfigurationError`, if it has a name."""
    try:
        yield
    except ConfigurationError as error:
        if name is None:
            raise
        raise ConfigurationError(f"source {name!r}: {error}") from error


def _check_function(name: str, value: object, purpose: str) -> None:
    if value is not None and not callable(value):
        raise ConfigurationError(f"{name} is {value!r}; it must be a function {purpose}")
