"""A host for commands that run in a process of their own."""

from __future__ import annotations

import os

from flask import Flask

from tests.support.host import create_host


def create_app() -> Flask:
    """Create a host on the database of DATABASE_URL, which prints as some do."""
    print("loading …")  # noqa: T201 - a plugin's line must be the only one all the same
    return create_host(os.environ["DATABASE_URL"])


def exit_at_once() -> Flask:
    """End the process, as an app without its settings may do."""
    raise SystemExit("DATABASE_URL is not set")
