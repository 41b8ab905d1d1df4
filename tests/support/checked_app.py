"""A host for commands that run in a process of their own."""

from __future__ import annotations

import os

from flask import Flask
from sqlalchemy.pool import NullPool

from tests.support.host import create_host


def create_app() -> Flask:
    """Create a host on the database of DATABASE_URL, which prints as some do."""
    print("loading …")  # noqa: T201 - a plugin's line must be the only one all the same
    # Nobody who loads the app closes the connections of a pool.
    options = {"poolclass": NullPool}
    return create_host(os.environ["DATABASE_URL"], SQLALCHEMY_ENGINE_OPTIONS=options)


def exit_at_once() -> Flask:
    """End the process, as an app without its settings may do."""
    raise SystemExit("DATABASE_URL is not set")
