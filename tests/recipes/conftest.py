"""Fixtures: the source that the documentation shows for a task system."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_task_metrics import TaskSource
from tests.support.recipes import recipe


@pytest.fixture
def source(request: pytest.FixtureRequest, tmp_path: Path) -> TaskSource:
    """Return the source of the system that the module names."""
    return recipe(request.module.SYSTEM, tmp_path)
