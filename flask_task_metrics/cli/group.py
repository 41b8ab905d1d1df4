"""The command group: an expected error is one line, without a traceback."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from flask_task_metrics.exceptions import TaskMetricsError

from .doctor import doctor
from .indexes import indexes


class OneLineErrors(AppGroup):
    """A group whose commands end with the message of an expected error, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that `ctx` names."""
        try:
            return super().invoke(ctx)
        except (TaskMetricsError, SQLAlchemyError) as error:
            raise click.ClickException(reason(error)) from error


def reason(error: Exception) -> str:
    """Return the first line of an error; for a database error, the database's own."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).partition("\n")[0]


def mount(app: Flask) -> None:
    """Add `flask task-metrics` to an app."""
    group = OneLineErrors("task-metrics", help="Look after the figures of the task table.")
    group.add_command(indexes)
    group.add_command(doctor)
    app.cli.add_command(group)
