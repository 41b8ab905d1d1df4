"""Fixtures: the Python of a page as a module, beside the app and the model of the README."""

from __future__ import annotations

import importlib
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from tests.support.host import SECRET
from tests.support.pages import README, code

Import: TypeAlias = Callable[[str, int], ModuleType]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a folder with the README's `app.py`, and its model alone as `models.py`."""
    app = code(README, "python")[0]
    (tmp_path / "app.py").write_text(app)
    (tmp_path / "models.py").write_text(app.partition("\nsource = ")[0])
    url = f"sqlite:///{tmp_path / 'tasks.db'}"
    for key, value in {
        "DATABASE_URL": url,
        "ADMIN_SECRET": SECRET,
        "FLASK_SQLALCHEMY_DATABASE_URI": url,
        "FLASK_TASK_METRICS_ADMIN_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(key, value)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def import_shown(folder: Path) -> Import:
    """Import the Python block of a page that has a number."""

    def import_block(page: str, number: int) -> ModuleType:
        name = f"shown_{Path(page).stem.replace('-', '_')}_{number}"
        (folder / f"{name}.py").write_text(code(page, "python")[number])
        return importlib.import_module(name)

    return import_block


@pytest.fixture(autouse=True)
def close_shown_connections() -> Iterator[None]:
    """Close the SQLite connections that shown scripts leave to the end of their process."""
    opened: list[Any] = []

    def remember(connection: Any, record: Any) -> None:
        opened.append(connection)

    event.listen(sa.Pool, "connect", remember)
    yield
    event.remove(sa.Pool, "connect", remember)
    for connection in opened:
        if isinstance(connection, sqlite3.Connection):
            connection.close()
