"""The commands of `flask task-metrics`, as a host runs them."""

from __future__ import annotations

import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from flask.cli import ScriptInfo

NAMES = [
    "ix_tasks_created_at",
    "ix_tasks_status_updated_at",
    "ix_tasks_status_completed_at_created_at_processing_at",
]


def indexes(app: Flask, *options: str) -> Result:
    """Run `flask task-metrics indexes`."""
    return app.test_cli_runner().invoke(args=["task-metrics", "indexes", *options])


def states(app: Flask) -> list[str]:
    """Return the state of each recommended index, as the command prints it."""
    return [
        line.partition(": ")[2]
        for line in indexes(app).output.splitlines()
        if line.startswith("-- ix_")
    ]


def shown_statements(app: Flask) -> list[str]:
    """Return the SQL statements that the command prints."""
    lines = indexes(app).output.splitlines()
    return [line.removesuffix(";") for line in lines if not line.startswith("--")]


def build_indexes(app: Flask, engine: sa.Engine) -> None:
    """Run the SQL statements that the command prints."""
    run_alone(engine, *shown_statements(app))


def run_alone(engine: sa.Engine, *statements: str) -> None:
    """Run each statement in its own transaction, as a database's own client does."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def run_command(app: Flask, *args: str) -> tuple[int, str]:
    """Run `flask task-metrics`, and return its exit status and output."""
    result = app.test_cli_runner().invoke(args=["task-metrics", *args])
    return result.exit_code, result.output


def run_on_terminal(app: Flask, *args: str) -> None:
    """Run `flask task-metrics` on the standard output that there is."""
    info = ScriptInfo(create_app=lambda: app)
    app.cli.main(["task-metrics", *args], obj=info, standalone_mode=False)
