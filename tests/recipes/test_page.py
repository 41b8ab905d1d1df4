"""The page of recipes."""

from __future__ import annotations

from tests.support.pages import code
from tests.support.recipes import PAGE


def test_a_recipe_has_at_most_15_lines() -> None:
    """Aside from imports and a last bracket."""
    for block in code(PAGE, "python"):
        whole = block.rstrip().removesuffix("\n)")
        lines = list(filter(None, whole.splitlines()))
        assert len([line for line in lines if "import " not in line]) <= 15, block
