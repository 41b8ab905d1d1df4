"""A check, and the problem that it may find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .context import Context


@dataclass(frozen=True)
class Problem:
    """A problem, and a hint how to solve it."""

    message: str
    hint: str


FindProblem: TypeAlias = Callable[[Context], Problem | None]


@dataclass(frozen=True)
class Check:
    """A function that may find a problem, under a stable id.

    `ok_message` is for a check without a problem; it may depend on the context. `needs` is the id
    of a check without whose success this one can't run.
    """

    id: str
    ok_message: str | Callable[[Context], str]
    find_problem: FindProblem
    needs: str | None

    def all_is_well(self, context: Context) -> str:
        """Return the message for a check without a problem."""
        return self.ok_message if isinstance(self.ok_message, str) else self.ok_message(context)


class Checks(list[Check]):
    """Checks in the order of the report; each comes after the one that it needs."""

    def add(
        self,
        id: str,
        ok_message: str | Callable[[Context], str],
        *,
        needs: str | None = None,
    ) -> Callable[[FindProblem], FindProblem]:
        """Add the decorated function."""

        def decorate(find_problem: FindProblem) -> FindProblem:
            self.append(Check(id, ok_message, find_problem, needs))
            return find_problem

        return decorate


def enumeration(names: Sequence[str]) -> str:
    """Join names for a sentence: "counts, errors and error samples"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
