"""The command group: an expected error is one line, without a traceback."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from flask_task_metrics.exceptions import TaskMetricsError

from .check import check
from .doctor import doctor
from .indexes import indexes
from .openapi import openapi
from .reasons import reason
from .snapshot import snapshot
from .watch import watch


class OneLineErrors(AppGroup):
    """A group whose commands end with the message of an expected error, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that `ctx` names."""
        try:
            return super().invoke(ctx)
        except (TaskMetricsError, SQLAlchemyError) as error:
            raise click.ClickException(reason(error)) from error


def mount(app: Flask) -> None:
    """Add `flask task-metrics` to an app."""
    group = OneLineErrors("task-metrics", help="See how the tasks are doing.")
    for command in (snapshot, watch, check, doctor, indexes, openapi):
        group.add_command(command)
    app.cli.add_command(group)
