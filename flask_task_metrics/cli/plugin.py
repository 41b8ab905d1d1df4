"""`flask-task-metrics-check`: the check as a console script, which can say that an app can't be
loaded, and can ask a remote app.
"""

from __future__ import annotations

import os

import click
from flask import Flask
from flask.cli import ScriptInfo

from flask_task_metrics.setting_checks import check_secrets

from .check import PluginCommand, check_app
from .conditions import Given, condition_options
from .monitoring import Outcome
from .reading import minutes_option
from .remote import check_url
from .source_option import source_option

SECRET = "TASK_METRICS_ADMIN_SECRET"  # noqa: S105 - the name of the variable


@click.command("flask-task-metrics-check", cls=PluginCommand)
@click.option("--app", metavar="IMPORT", help="Load an app as `flask --app` does, and check it.")
@click.option("--url", help=f"Ask a remote app's …/metrics-check; its secret is ${SECRET}.")
@click.option(
    "-t",
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    help="Wait so long for the answer of --url; by default 15 s.",
)
@condition_options
@minutes_option
@source_option
def main(
    *,
    app: str | None,
    url: str | None,
    timeout: float | None,
    given: Given,
    minutes: int | None,
    source: str | None,
) -> Outcome:
    """Judge the figures of an app for Nagios, Icinga or cron.

    The conditions are those of -w and -c, or else those of TASK_METRICS_CHECKS; with --url, the
    remote app's. The exit status is 0 (ok), 1 (warning), 2 (critical; also if there is no answer)
    or 3 (unknown; also if the app can't be loaded).
    """
    if url is None and app is not None and timeout is None:
        with _loaded(app).app_context():
            return check_app(given, minutes, source)
    if url is None or app is not None:
        raise click.UsageError("give --app, or --url and maybe --timeout")
    if given:
        raise click.UsageError("-w, -c and --min-ended need --app; a remote app has its own")
    if not url.startswith(("https://", "http://")):
        raise click.UsageError("--url must begin with https:// or http://")
    [secret] = check_secrets(f"${SECRET}", os.environ.get(SECRET, ""))
    return check_url(url, secret, {"minutes": minutes, "source": source}, timeout or 15)


def _loaded(path: str) -> Flask:
    """Return the app of a path such as `example_app:create_app`."""
    try:
        return ScriptInfo(app_import_path=path).load_app()
    except SystemExit as error:
        raise click.ClickException(f"{path} exits while it is loaded: {error}") from error
