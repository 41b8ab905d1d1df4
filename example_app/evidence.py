"""`python -m example_app.evidence PATH`: a page of what a real run answered and logged."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from .backend import Address, Backend, BackendError
from .shell import EvidenceError, Shell
from .shutdown import Shutdown

SNAPSHOT = 'curl -sS -H "X-Admin-Secret: $ADMIN_SECRET" {url}/api/admin/metrics-snapshot'
UNAUTHORIZED = "curl -sS -i {url}/api/admin/metrics-snapshot"
INVALID = """\
curl -sS -i -H "X-Admin-Secret: $ADMIN_SECRET" \\
  '{url}/api/admin/metrics-snapshot?minutes=1441'"""
HEADERS = """\
curl -sS -D - -o /dev/null -H "X-Admin-Secret: $ADMIN_SECRET" \\
  {url}/api/admin/metrics-snapshot"""
TASKS = 8
POST = """\
curl -sS -i -H 'Content-Type: application/json' \\
  -d '{{"engine": "aurora-2", "prompt": "Scene {number}"}}' {url}/api/video-tasks"""
# The seed is one with which some tasks fail, one way more often than the others.
WORKER = """\
VIDEO_WORKER_SPEED=200 VIDEO_WORKER_FAILURE_RATE=0.6 VIDEO_WORKER_SEED=6 \\
  python3 -m example_app.worker --drain 2>&1 | tee worker.log"""
FOLLOW = "grep -h {request_id} server.log worker.log"
REFUSALS = "grep -E 'admin.unauthorized|status=(401|422)' server.log"

PAGE = """\
# Evidence: one run, as it was

`make evidence` wrote this page. It started the example backend (`example_app`) under gunicorn on
an empty SQLite database, ran the commands below in a shell, and put down what they printed,
unchanged. The shell knew the admin secret as `$ADMIN_SECRET`, and the server's log as `server.log`.

## The snapshot before anything happened

No task yet: every count is 0, and a duration that nobody measured is `null`, not 0.

{before}

## Eight tasks are created

Each by a request like this one. The answer's `X-Request-Id` is stored on the task.

{post}

## The worker works through them

It is told to be quick and to fail often. Each line is one event, with the request that created the
task as `requestId`.

{worker}

## The snapshot after it

The counts are those of the lines above; failed tasks are counted by code, whatever the numbers in
their messages.

{after}

## From a failure back to its request

`topErrors` gives a task and a request to look at for each code. The logs under the id of the first:
the POST that created task {task_id}, and how the worker fared with it.

{followed}

## What is refused

Without the secret, the answer is 401 and says how to ask; a query that can't be answered is 422 and
says what would be right.

{unauthorized}

{invalid}

The server logged both, without the query or any header's value:

{refusals}

## The headers of an answer

{headers}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page to the path given; return the exit code."""
    parser = argparse.ArgumentParser("python -m example_app.evidence", description=__doc__)
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
    """Run the backend in a folder, and tell what it answered and logged."""
    address = Address.from_environment()
    address.check_free()
    secret = secrets.token_urlsafe(24)
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{folder / 'video-tasks.db'}",
        "TASK_METRICS_ADMIN_SECRET": secret,
        "ADMIN_SECRET": secret,
        # The shell's python3 is then the one that runs this.
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        # And finds the example from the folder that the commands run in.
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    with Backend(address, environment, folder / "server.log") as backend:
        backend.start_server()
        backend.wait_until_ready(Shutdown())
        sections = show_run(Shell(folder, environment, address.url))
    return PAGE.format_map(sections)


def show_run(shell: Shell) -> dict[str, object]:
    """Have tasks created and worked through; return what the page's sections show."""
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
