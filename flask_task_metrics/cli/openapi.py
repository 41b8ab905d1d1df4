"""`flask task-metrics openapi`."""

from __future__ import annotations

import json
from importlib.util import find_spec

import click
from flask.cli import with_appcontext

from flask_task_metrics.exceptions import ExtraMissing
from flask_task_metrics.mounted import current_mounted


@click.command()
@with_appcontext
def openapi() -> None:
    """Print the OpenAPI document of the endpoints, as JSON.

    It describes this app: its URL prefix, its sources and dimensions, its longest window.
    """
    if find_spec("apispec") is None:
        raise ExtraMissing("openapi")
    from flask_task_metrics.web.openapi import (  # noqa: PLC0415 - the extra may not be installed
        openapi_document,
    )

    click.echo(json.dumps(openapi_document(current_mounted()), indent=2, ensure_ascii=False))
