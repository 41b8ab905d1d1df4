"""`TaskMetrics`: what a host mounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import Flask, after_this_request, request_started

from .collector import collect
from .config import EXTENSION_KEY, Settings, State, current_state
from .dialects import SUPPORTED
from .error_codes import ErrorCodeOf
from .exceptions import ConfigurationError, InvalidWindowError
from .metric_log import log_request, logger, start_request_timer
from .queries import Statements
from .request_id import assign_request_id, send_request_id
from .single_flight import SingleFlight
from .snapshot import Snapshot, Window
from .source import Selectable, TaskSource
from .views import create_blueprint, forbid_storing, refuse_other_methods

ANY_WINDOW = Window.ending(datetime.fromtimestamp(0, timezone.utc), 1)


class TaskMetrics:
    """Shows how an app's tasks are doing: mounts `GET /api/admin/metrics-snapshot`, request ids and
    the `[METRICS]` log.

    `db` is a Flask-SQLAlchemy or Flask-SQLAlchemy-Lite extension, or a SQLAlchemy `Engine`;
    `source` is a `TaskSource`, or a model or table whose columns have the names that `TaskSource`
    expects. `error_code_of` reads the error code from a failed task's message; where it returns
    None the package's own rules apply.

    Raises `ConfigurationError` for an `error_code_of` that is no function, and with `app` what
    `init_app` raises.
    """

    def __init__(
        self,
        db: Any,
        source: TaskSource | Selectable,
        *,
        error_code_of: ErrorCodeOf | None = None,
        app: Flask | None = None,
    ) -> None:
        self._db = db
        self._source = source if isinstance(source, TaskSource) else TaskSource(source)
        if error_code_of is not None and not callable(error_code_of):
            raise ConfigurationError(
                f"error_code_of is {error_code_of!r}; "
                "it must be a function from a message to its code"
            )
        self._error_code_of = error_code_of
        self._statements: dict[str, Statements] = {}
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Mount on an app, after the `init_app` of its database extension.

        Raises `ConfigurationError` for an invalid setting or mapping, for a database that is not
        set up or not supported, and where the app already has a `TaskMetrics`.
        """
        if EXTENSION_KEY in app.extensions:
            raise ConfigurationError(
                f"a TaskMetrics is already mounted on {app.name!r}; an app can have one"
            )
        settings = Settings.from_config(app.config)
        self._source.check()
        with app.app_context():
            self._engine(settings.bind_key)
        app.register_blueprint(create_blueprint(), url_prefix=settings.url_prefix)
        if settings.weakness:
            logger().warning(settings.weakness)
        app.extensions[EXTENSION_KEY] = State(
            settings,
            SingleFlight(self.snapshot),
            self._source,
            engine=partial(self._engine, settings.bind_key),
            primary_engine=partial(self._engine, None),
        )
        request_started.connect(_begin_request, app)
        app.before_request(refuse_other_methods)
        # The last to be registered is the first to run.
        app.after_request(log_request)
        app.after_request(send_request_id)
        app.after_request(forbid_storing)

    def snapshot(self, minutes: int = 60, *, now: datetime | None = None) -> Snapshot:
        """All figures of the last `minutes` before `now` (an aware datetime; by default the current
        time), inside an app context.

        Raises `InvalidWindowError` for minutes that are not 1 to TASK_METRICS_MAX_MINUTES,
        and `MetricsUnavailable`, `MetricsTimeout` and `MetricsError` as the HTTP endpoint answers
        them.
        """
        settings = current_state().settings
        if type(minutes) is not int or not 1 <= minutes <= settings.max_minutes:
            raise InvalidWindowError(
                f"minutes is {minutes!r}; it must be a whole number, 1 to {settings.max_minutes}"
            )
        engine = self._engine(settings.bind_key)
        return collect(
            engine,
            self._statements_for(engine.dialect),
            Window.ending(now or datetime.now(timezone.utc), minutes),
            error_code_of=self._error_code_of,
            top_errors=settings.top_errors,
            timeout_ms=settings.statement_timeout_ms,
        )

    def _statements_for(self, dialect: sa.Dialect) -> Statements:
        # Several apps may share this, each with a database of its own. Which window they are built
        # for makes no difference.
        if dialect.name not in self._statements:
            self._statements[dialect.name] = Statements.of(
                self._source, ANY_WINDOW, dialect, whole_messages=self._error_code_of is not None
            )
        return self._statements[dialect.name]

    def _engine(self, bind_key: str | None) -> sa.Engine:
        engine = _engine_of(self._db, bind_key, self._source.bind_key)
        if engine.dialect.name not in SUPPORTED:
            raise ConfigurationError(
                f"the database is {engine.dialect.name}; it must be one of {', '.join(SUPPORTED)}"
            )
        return engine


def _engine_of(db: Any, configured: str | None, of_source: str | None) -> sa.Engine:
    if isinstance(db, sa.Engine):
        if configured is not None:
            raise ConfigurationError(
                f"TASK_METRICS_BIND_KEY is {configured!r}, but db is an Engine, which has no binds"
            )
        return db
    engines = _engines_of(db)
    wanted = configured or of_source
    # Flask-SQLAlchemy keeps its default engine under None, Flask-SQLAlchemy-Lite under "default".
    for key in [wanted] if wanted else [None, "default"]:
        if key in engines:
            return engines[key]
    there_are = ", ".join(key or "the default" for key in engines)
    raise ConfigurationError(
        f"the bind to read is {wanted or 'the default'}, but there is only: {there_are}; "
        "name one in TASK_METRICS_BIND_KEY"
    )


def _engines_of(db: Any) -> Mapping[str | None, sa.Engine]:
    # Asked of the class, because an extension that is not set up yet can't answer.
    if not hasattr(type(db), "engines"):
        raise ConfigurationError(
            f"db is of type {type(db).__name__}; "
            "it must be a Flask-SQLAlchemy extension or a SQLAlchemy Engine"
        )
    try:
        engines: Mapping[str | None, sa.Engine] = db.engines
    except RuntimeError as error:
        raise ConfigurationError(
            "db is not set up on this app; call db.init_app(app) before TaskMetrics.init_app(app)"
        ) from error
    return engines


def _begin_request(app: Flask, **extra: Any) -> None:
    assign_request_id()
    start_request_timer()
    # Sent before the host's own functions too, since Flask asks none after one that fails.
    after_this_request(send_request_id)
