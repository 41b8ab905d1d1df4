"""The page of recipes."""

from __future__ import annotations

from tests.support.pages import code
from tests.support.recipes import PAGE


def test_a_recipe_has_at_most_15_lines() -> None:
    """Aside from imports, the names of a table's columns, and a last bracket."""
    for block in code(PAGE, "python"):
        whole = block.rstrip().removesuffix("\n)")
        lines = [line for line in whole.splitlines() if line and " sa.table(" not in line]
        assert len([line for line in lines if "import " not in line]) <= 15, block
