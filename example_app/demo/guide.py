"""The commands that a running demo prints, ready to paste."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from example_app.rendering import ENGINES
from flask_task_metrics import ErrorCount

from .history import SCENES

ROOT = Path(__file__).parents[2]

GUIDE = """
The dashboard: {url}/api/admin/metrics-dashboard
The admin secret of this run is {secret}
In a few seconds an engine begins to time out, for four minutes, and then again now and then.

The backend runs until Ctrl-C, which also deletes its log.

The snapshot of the last hour:
  curl -s -H 'X-Admin-Secret: {secret}' {url}/api/admin/metrics-snapshot

The last 24 hours:
  curl -s -H 'X-Admin-Secret: {secret}' '{url}/api/admin/metrics-snapshot?minutes=1440'

From an error to its request: {code} came first in these topErrors when the demo started. The
requestId of its sample, as of any other sample, leads to the [METRICS] lines of that task:
  grep {request_id} {log}

Without the secret, 401:
  curl -i {url}/api/admin/metrics-snapshot

A task of your own, which the next snapshots count:
  curl -i -H 'Content-Type: application/json' \\
    -d '{{"engine": "{engine}", "prompt": "{prompt}"}}' {url}/api/video-tasks

What the package finds wrong with this database and configuration:
  {flask} task-metrics doctor

The indexes that it recommends:
  {flask} task-metrics indexes

New [METRICS] lines of server and workers:
  tail -f {log}
"""


def guide(url: str, secret: str, database_url: str, log: Path, top_error: ErrorCount) -> str:
    """Return the guide to the demo at `url`; the log has the lines of the top error's sample."""
    return GUIDE.format(
        url=url,
        secret=secret,
        code=top_error.code,
        request_id=top_error.sample.request_id,
        log=shlex.quote(str(log)),
        engine=ENGINES[0],
        prompt=SCENES[0],
        flask=_flask(database_url, secret),
    )


def _flask(database_url: str, secret: str) -> str:
    """Return a `flask` command that works in any folder of any terminal.

    The URL keeps its password: without it, the command could not connect. You typed it yourself, in
    the terminal that shows the guide.
    """
    return (
        f"cd {shlex.quote(str(ROOT))} && DATABASE_URL={shlex.quote(database_url)} \\\n"
        f"    TASK_METRICS_ADMIN_SECRET={secret} \\\n"
        f"    {shlex.quote(sys.executable)} -m flask --app example_app"
    )
