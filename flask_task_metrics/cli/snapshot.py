"""`flask task-metrics snapshot`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click
from flask.cli import with_appcontext

from flask_task_metrics.figures import Snapshot
from flask_task_metrics.markdown import markdown_of
from flask_task_metrics.web.schemas import SnapshotSchema

from .reading import Question, figures_options
from .report import report_lines
from .screens import printable, screen


@click.command()
@click.option("--json", "form", flag_value="json", help="Print the JSON of metrics-snapshot.")
@click.option("--markdown", "form", flag_value="markdown", help="Print a short text in Markdown.")
@with_appcontext
@figures_options
def snapshot(*, form: str | None, question: Question) -> None:
    """Show how the tasks are doing.

    The figures are those of GET /metrics-snapshot. On a terminal they are in colour, if the extra
    `cli` is installed.
    """
    FORMS[form](question.snapshot(), question)


def _write_report(figures: Snapshot, question: Question) -> None:
    page = screen()
    source, group_by = question.source, question.group_by
    page.write(report_lines(figures, page.width, source=source, group_by=group_by))


def _write_json(figures: Snapshot, question: Question) -> None:
    named = {} if question.source is None else {"source": question.source}
    body = SnapshotSchema().dumps(named | vars(figures), indent=2, ensure_ascii=False)
    # JSON is UTF-8 whatever the terminal's encoding. A lone surrogate becomes an escape.
    click.echo(body.encode(errors="backslashreplace"))


def _write_markdown(figures: Snapshot, question: Question) -> None:
    click.echo(printable(markdown_of(figures, source=question.source)), nl=False)


FORMS: Mapping[str | None, Callable[[Snapshot, Question], None]] = {
    None: _write_report,
    "json": _write_json,
    "markdown": _write_markdown,
}
