"""Percentiles by PostgreSQL's `percentile_disc`: it sorts faster than the package can count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa

from .databases import PerDatabase
from .subqueries import materialized

HAS_PERCENTILE_DISC = PerDatabase(sqlite=False, postgresql=True, mysql=False)

NEXT_RANK = 1e-12
"""Added to a fraction, since `percentile_disc` picks rank n * p / 100 where that is whole, and
`sorted[n * p // 100]` is the rank after it. Correct up to ten billion samples.
"""


def has_percentile_disc(dialect: sa.Dialect) -> bool:
    """Return whether `sorted_ranks` runs on a database."""
    return HAS_PERCENTILE_DISC.of(dialect)


def sorted_ranks(
    durations: sa.Select[Any], fractions: Mapping[str, float], *, in_one_pass: bool
) -> sa.Select[Any]:
    """Select a row (figure, samples, total, the nearest rank at each fraction, max) for each column
    of `durations`. Negative durations are no samples.

    One pass computes all columns of a row together; a pass for each column can run in parallel.
    """
    columns = list(durations.selected_columns)
    passes = [columns] if in_one_pass else [[column] for column in columns]
    # In a subquery, PostgreSQL can give each part of the union to its own worker process.
    sorts = sa.union_all(*chain.from_iterable(_sorts(durations, of, fractions) for of in passes))
    measured = sorts.subquery().c
    ranks = sa.type_coerce(measured.ranks, sa.ARRAY(sa.BigInteger))
    return sa.select(
        measured.figure,
        measured.samples,
        measured.total,
        *(ranks[number].label(name) for number, name in enumerate([*fractions, "max"], start=1)),
    )


def sorted_ranks_of_groups(
    rows: sa.Select[Any], fractions: Mapping[str, float], *, with_whole: bool = False
) -> sa.Select[Any]:
    """Select a row for each value of the first column of `rows`: that, and for each other column
    its samples and an array of the nearest ranks and the maximum: `total_ms_samples`,
    `total_ms_ranks`.

    `with_whole` adds a row for all rows together, where the first column is null, and the total of
    the samples: `total_ms_total`.
    """
    group, *figures = materialized(rows).c
    aggregates = ("samples", "ranks", "total") if with_whole else ("samples", "ranks")
    by = sa.func.grouping_sets(sa.tuple_(group), sa.tuple_()) if with_whole else group
    return sa.select(group, *_aggregates(figures, fractions, aggregates)).group_by(by)


def _sorts(
    durations: sa.Select[Any], columns: Sequence[Any], fractions: Mapping[str, float]
) -> list[sa.Select[Any]]:
    """Select (figure, samples, total, ranks) for each of the columns, from one pass over them."""
    aggregates = ("samples", "total", "ranks")
    figures = materialized(durations.with_only_columns(*columns)).c
    measured = sa.select(*_aggregates(figures, fractions, aggregates)).cte().c
    return [
        sa.select(
            sa.literal(column.name).label("figure"),
            *(measured[f"{column.name}_{name}"].label(name) for name in aggregates),
        )
        for column in columns
    ]


def _aggregates(
    figures: Iterable[Any], fractions: Mapping[str, float], names: Iterable[str]
) -> Iterator[sa.Label[Any]]:
    """Yield aggregates of the samples of each figure."""
    # One array of fractions needs one sort; separate calls would sort for each fraction.
    wanted = [*(fraction + NEXT_RANK for fraction in fractions.values()), 1.0]
    ranks = sa.func.percentile_disc(sa.literal(wanted, sa.ARRAY(sa.Double)))
    for ms in figures:
        by_name: dict[str, Any] = {
            "samples": sa.func.count(),
            "total": sa.func.sum(ms),
            "ranks": ranks.within_group(ms),
        }
        for name in names:
            yield sa.funcfilter(by_name[name], ms >= 0).label(f"{ms.name}_{name}")
