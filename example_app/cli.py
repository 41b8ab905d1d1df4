"""The command that creates the tables: `flask --app example_app init-db`."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from .models import Base, db


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Create the tables that the database lacks."""
    db.create_all()
    click.echo(f"The database has its tables: {', '.join(Base.metadata.tables)}")
