"""README and documentation, as text that tests read."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = "README.md"
PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))


def text(page: str) -> str:
    """Return a page as it is written."""
    return (ROOT / page).read_text()


def code(page: str, language: str) -> list[str]:
    """Return the blocks of a language on a page, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```", text(page), re.DOTALL | re.MULTILINE)


def code_under(page: str, heading: str) -> str:
    """Return the first block of Python in the section of a page that has a heading."""
    section = text(page).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return section.partition("\n```python\n")[2].partition("```\n")[0]


def table(page: str, first_heading: str) -> list[list[str]]:
    """Return the rows of the table whose first column has a heading, each cell without
    backticks.
    """
    found = re.search(
        rf"^\| {first_heading} \|.*\n\|---.*\n((?:\|.*\n)+)", text(page), re.MULTILINE
    )
    assert found, f"{page} has no table of: {first_heading}"
    cells = [row.strip("|").split("|") for row in found[1].splitlines()]
    return [[cell.replace("`", "").strip() for cell in row] for row in cells]
