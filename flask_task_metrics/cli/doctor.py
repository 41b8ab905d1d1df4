"""`flask task-metrics doctor`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from flask_task_metrics.doctor import Finding, examine
from flask_task_metrics.mounted import current_mounted

from .source_option import source_option

STATES = {True: "ok   ", False: "WRONG", None: "SKIP "}


@click.command()
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON array of {id, ok, message, hint}."
)
@source_option
@with_appcontext
def doctor(*, as_json: bool, source: str | None) -> None:
    """Find out why figures are slow or wrong, and what to do about it.

    Each check prints a line that begins with `ok`, `WRONG` or `SKIP`. The exit status is 1 if
    anything is wrong. The doctor reads as a snapshot does, and changes nothing.
    """
    mounted = current_mounted()
    reader = mounted.reader_of(source)
    findings = []
    for finding in examine(reader.engine, reader.source, mounted.settings, source):
        findings.append(finding)
        if not as_json:
            click.echo(_line(finding))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


def _line(finding: Finding) -> str:
    hint = f"; {finding.hint}" if finding.hint else ""
    return f"{STATES[finding.ok]} {finding.id}: {finding.message}{hint}"
