"""Write a page of commands, answers and log lines, all from one real run."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from example_app.shutdown import Shutdown

from .processes import Address, Backend, BackendError
from .shell import EvidenceError, Shell

SNAPSHOT = 'curl -sS -H "X-Admin-Secret: $ADMIN_SECRET" {url}/api/admin/metrics-snapshot'
UNAUTHORIZED = "curl -sS -i {url}/api/admin/metrics-snapshot"
INVALID = """\
curl -sS -i -H "X-Admin-Secret: $ADMIN_SECRET" \\
  '{url}/api/admin/metrics-snapshot?minutes=1441'"""
HEADERS = """\
curl -sS -D - -o /dev/null -H "X-Admin-Secret: $ADMIN_SECRET" \\
  {url}/api/admin/metrics-snapshot"""
INIT_DB = "flask --app example_app init-db"
TASKS = 8
POST = """\
curl -sS -i -H 'Content-Type: application/json' \\
  -d '{{"engine": "aurora-2", "prompt": "Scene {number}"}}' {url}/api/video-tasks"""
# With this seed some tasks complete, some fail, and one error comes first.
WORKER = """\
VIDEO_WORKER_SPEED=200 VIDEO_WORKER_FAILURE_RATE=0.6 VIDEO_WORKER_SEED=6 \\
  python3 -m example_app.worker --drain 2>&1 | tee worker.log"""
FOLLOW = "grep -h {request_id} server.log worker.log"
REFUSALS = "grep -E 'admin.unauthorized|status=(401|422)' server.log"

PAGE = """\
# Evidence: one run, as it was

`make evidence` wrote this page. It ran the commands below in a shell and put down their output
unchanged. The example backend (`example_app`) ran under gunicorn on an empty SQLite database. The
shell had the admin secret in `$ADMIN_SECRET` and the server's log in `server.log`.

## The table is created

Once, before server and workers start.

{init_db}

## The snapshot of an empty table

Every count is 0. A percentile without samples is `null`, not 0.

{before}

## Eight tasks are created

Each by a request like this one. The task stores the answer's `X-Request-Id`.

{post}

## The worker works through them

The variables make it fast and let it fail often. Each line is one event. Its `requestId` is that of
the request that created the task.

{worker}

## The snapshot after it

The counts match the lines above. `topErrors` counts failed tasks by code: messages that differ only
in a number are one error.

{after}

## From a failure back to its request

Each error has a sample: a task and the request that created it. The logs of the first sample's
request show the POST that created task {task_id}, and how the task failed.

{followed}

## What is refused

Without the secret, the answer is 401 and names the header to send. For an invalid query it is 422,
and `errors` says which values are valid.

{unauthorized}

{invalid}

The server logged both, but neither the query string nor a header's value:

{refusals}

## The headers of an answer

{headers}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page to a path; return the exit code."""
    parser = argparse.ArgumentParser("python -m example_app.demo.evidence", description=__doc__)
    parser.add_argument("path", type=Path)
    path = parser.parse_args(arguments).path
    try:
        with TemporaryDirectory() as folder:
            page = make_page(Path(folder))
    except (BackendError, EvidenceError) as error:
        print(error, file=sys.stderr)
        return 1
    path.write_text(page)
    print(f"Wrote {path}")
    return 0


def make_page(folder: Path) -> str:
    """Run the backend in a folder; return the page about it."""
    address = Address.from_environment()
    address.check_free()
    secret = secrets.token_urlsafe(24)
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{folder / 'video-tasks.db'}",
        "TASK_METRICS_ADMIN_SECRET": secret,
        "ADMIN_SECRET": secret,
        # The shell runs the flask and python3 of this environment.
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        # Its commands run in another folder, and import the example from here.
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    shell = Shell(folder, environment, address.url)
    init_db = shell.run(INIT_DB).expect("video_tasks")
    with Backend(address, environment, folder / "server.log") as backend:
        backend.start_server()
        backend.wait_until_ready(Shutdown())
        sections = show_run(shell)
    return PAGE.format(init_db=init_db, **sections)


def show_run(shell: Shell) -> dict[str, object]:
    """Create tasks and have a worker render them; return the commands for the page's sections."""
    before = shell.run(SNAPSHOT).expect('"created": 0,', '"p50": null')
    posts = [shell.run(POST, number=number).expect("201 CREATED") for number in range(1, TASKS + 1)]
    worker = shell.run(WORKER).expect("task.completed", "task.failed")
    completed, failed = (worker.output.count(event) for event in ("task.completed", "task.failed"))
    after = shell.run(SNAPSHOT).expect(
        f'"created": {TASKS},', f'"completed": {completed},', f'"failed": {failed},'
    )
    sample = json.loads(after.output)["topErrors"][0]["sample"]
    request_id = sample["requestId"]
    [post] = [post for post in posts if request_id in post.output]
    return {
        "before": before,
        "post": post,
        "worker": worker,
        "after": after,
        "task_id": sample["taskId"],
        "followed": shell.run(FOLLOW, request_id=request_id).expect(
            "task.created", "request.completed", "task.failed"
        ),
        "unauthorized": shell.run(UNAUTHORIZED).expect("401 UNAUTHORIZED", "ADMIN_UNAUTHORIZED"),
        "invalid": shell.run(INVALID).expect("422 UNPROCESSABLE ENTITY", "INVALID_QUERY"),
        "refusals": shell.run(REFUSALS).expect("admin.unauthorized", "status=401", "status=422"),
        "headers": shell.run(HEADERS).expect("Cache-Control: no-store", "X-Request-Id: req_"),
    }


if __name__ == "__main__":
    sys.exit(main())
