"""`--source`, the option of the commands that look at one of several sources."""

from __future__ import annotations

import click

source_option = click.option(
    "--source", metavar="NAME", help="Name one of several sources; by default it is the first."
)
