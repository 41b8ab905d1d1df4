"""Numbers as people read them."""

from __future__ import annotations


def rounded(value: float) -> str:
    """A number with the three digits that count, or more before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def short(value: float) -> str:
    """A round number as an axis or a column has room for it: 10,000,000 is 10M."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= unit and not value % unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"
