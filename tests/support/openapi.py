"""The OpenAPI document of an app, as its command prints it."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask

from tests.support.commands import run_command


def document_of(app: Flask) -> dict[str, Any]:
    """Return what `flask task-metrics openapi` prints."""
    status, output = run_command(app, "openapi")
    assert 0 == status, output
    document: dict[str, Any] = json.loads(output)
    return document
