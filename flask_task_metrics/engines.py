"""From a host's `db` and a bind key to the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from .dialects import PerDatabase
from .exceptions import ConfigurationError

DRIVERS = PerDatabase(
    sqlite=("pysqlite",), postgresql=("psycopg", "psycopg2"), mysql=("pymysql", "mysqldb")
)
"""The drivers that the tests run on, as a URL names them (`pysqlite` is `sqlite3`).

Others break a promise. pg8000 would leave the host's connection read-only, mysql-connector can't
drop a connection at the deadline, and no timeout of mariadb's connector is known by its number.
"""


def check_bind_key(
    configured: str | Mapping[str, str] | None, binds: Mapping[str | None, str | None]
) -> None:
    """Raise `ConfigurationError` if TASK_METRICS_BIND_KEY does not fit the sources.

    `binds` has the own bind of each source: one configured bind can't stand for several.
    """
    if isinstance(configured, str) and len(set(binds.values())) > 1:
        own = ", ".join(f"{name} in {bind or 'the default'}" for name, bind in binds.items())
        raise ConfigurationError(
            f"TASK_METRICS_BIND_KEY is {configured!r}, but the sources are in several binds "
            f"({own}); it must be a mapping, such as {{{next(iter(binds))!r}: {configured!r}}}"
        )
    if isinstance(configured, Mapping) and (unknown := sorted(configured.keys() - binds.keys())):
        there_are = ", ".join(filter(None, binds)) or "one, without a name"
        raise ConfigurationError(
            f"TASK_METRICS_BIND_KEY names {', '.join(map(repr, unknown))}, "
            f"but the sources are: {there_are}"
        )


def engine_of(db: Any, configured: str | None, of_source: str | None) -> sa.Engine:
    """Return the engine of a bind, inside an app context.

    `configured` comes from TASK_METRICS_BIND_KEY and takes precedence over `of_source`, the bind of
    the mapped tables. Raises `ConfigurationError` for a missing bind, and for a database or driver
    that is not supported.
    """
    engine = _engine(db, configured, of_source)
    _check_driver(engine.dialect)
    return engine


def _check_driver(dialect: sa.Dialect) -> None:
    supported = DRIVERS.of(dialect)
    if dialect.is_async or dialect.driver not in supported:
        asynchronous = ", asynchronous" if dialect.is_async else ""
        raise ConfigurationError(
            f"the database's driver is {dialect.driver}{asynchronous}; "
            f"it must be {' or '.join(supported)}, synchronous"
        )


def _engine(db: Any, configured: str | None, of_source: str | None) -> sa.Engine:
    if isinstance(db, sa.Engine):
        if configured is not None:
            raise ConfigurationError(
                f"TASK_METRICS_BIND_KEY is {configured!r}, but db is an Engine, which has no binds"
            )
        return db
    engines = _engines(db)
    wanted = configured or of_source
    # The default engine's key is None in Flask-SQLAlchemy, "default" in Flask-SQLAlchemy-Lite.
    for key in [wanted] if wanted else [None, "default"]:
        if key in engines:
            return engines[key]
    there_are = ", ".join(key or "the default" for key in engines)
    raise ConfigurationError(
        f"the bind to read is {wanted or 'the default'}, but there is only: {there_are}; "
        "name one in TASK_METRICS_BIND_KEY"
    )


def _engines(db: Any) -> Mapping[str | None, sa.Engine]:
    # Ask the class, since an instance that is not set up yet raises.
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
