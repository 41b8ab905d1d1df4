"""Migrations that Alembic really writes and runs."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from flask import Flask

ENVIRONMENT = """
from alembic import context

with context.config.attributes["engine"].connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

REVISION = '''
"""Add indexes."""

from alembic import op
import sqlalchemy as sa

revision = "1"
down_revision = None


'''


class Migration:
    """The one migration of an environment in a folder, with functions given as Python source."""

    def __init__(self, folder: Path, engine: sa.Engine, functions: str) -> None:
        (folder / "versions").mkdir(parents=True)
        (folder / "env.py").write_text(ENVIRONMENT)
        (folder / "versions" / "1_add_indexes.py").write_text(REVISION + functions)
        self._config = Config(attributes={"engine": engine})
        self._config.set_main_option("script_location", str(folder))

    def upgrade(self) -> None:
        """Run `alembic upgrade head`."""
        command.upgrade(self._config, "head")

    def downgrade(self) -> None:
        """Run `alembic downgrade base`."""
        command.downgrade(self._config, "base")


class Autogenerate:
    """The migrations that Flask-Migrate writes into a folder for the models of an app.

    The app has its `Migrate`.
    """

    def __init__(self, app: Flask, folder: Path) -> None:
        self._app = app
        self._folder = folder
        self._run("init")
        # Its logging would be that of the tests, too.
        env = folder / "env.py"
        env.write_text(env.read_text().replace("fileConfig(config.config_file_name)\n", ""))

    def migrate(self) -> str:
        """Run `flask db migrate` and `flask db upgrade`, and return the body of the migration; it
        is empty if there is nothing to do.
        """
        before = self._migrations()
        self._run("migrate")
        self._run("upgrade")
        return "".join(body for path, body in self._migrations().items() if path not in before)

    def _migrations(self) -> dict[Path, str]:
        """Return the bodies of the migrations that there are."""
        return {
            path: path.read_text().partition("def upgrade():")[2].partition("def downgrade():")[0]
            for path in self._folder.glob("versions/*.py")
        }

    def _run(self, command: str) -> None:
        result = self._app.test_cli_runner().invoke(
            args=["db", command, "--directory", str(self._folder)], catch_exceptions=False
        )
        assert 0 == result.exit_code, result.output
