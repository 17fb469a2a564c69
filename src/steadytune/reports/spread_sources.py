"""Where the spread of each recipe comes from: failed runs, and each of the seeds where crossed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steadytune.errors import BadInput
from steadytune.reports.summary_table import shown
from steadytune.results.conditions import Condition
from steadytune.results.runs import Runs, runs_of
from steadytune.results.summary import Which
from steadytune.stats.estimators import std, successful
from steadytune.stats.variance_components import (
    FACTORS,
    Component,
    Components,
    components,
    crossed,
    outcome_share,
)

_FACTOR_NAMES = {"init": "initialization", "order": "data order", "dropout": "dropout"}


@dataclass(frozen=True)
class Part:
    """A source's share of the variance, and what else is known of it, as text."""

    share: str
    more: str


@dataclass(frozen=True)
class Sources:
    """The sources of one cell's spread.

    Attributes:
        title: task and encoder. recipe: its name. n: ended runs. std: of them, as it is shown.
        parts: by the heading of a column; a source that is not known is not there.
    """

    title: str
    recipe: str
    n: int
    std: str
    parts: dict[str, Part]


@dataclass(frozen=True)
class SpreadTable:
    """Rows for the cells of which something is known, the columns they fill, what to mind."""

    columns: tuple[str, ...]
    rows: tuple[Sources, ...]
    cautions: tuple[str, ...]


FAILURES = "failed against successful"


def spread_table(cells: Sequence[Condition], which: Which = "last") -> SpreadTable:
    """The table; without rows where no cell has failed beside successful runs, or crossed seeds."""
    found, cautions = list[Sources](), list[str]()
    for cell in cells:
        runs = runs_of(cell, which)
        known = _components(runs)
        parts = {**_of_failures(runs), **({} if known is None else _of_seeds(runs, known))}
        if parts:
            spread = shown(runs.metric, float(std(runs.values)))
            title = f"{cell.task}, {cell.encoder}"
            found.append(Sources(title, cell.recipe, runs.n, spread, parts))
            cautions += [] if known is None else known.cautions
    columns = tuple(dict.fromkeys(name for one in found for name in one.parts))
    return SpreadTable(columns, tuple(found), tuple(dict.fromkeys(cautions)))


def _of_failures(runs: Runs) -> dict[str, Part]:
    found = outcome_share(runs.values, runs.failed)
    if found.value is None:
        return {}
    good = successful("std", runs.values, runs.failed)
    more = "" if good.value is None else f"successful runs: std {shown(runs.metric, good.value)}"
    return {FAILURES: Part(f"{100 * found.value:.0f} %", more)}


def _components(runs: Runs) -> Components | None:
    """None where seeds are not crossed, or where runs are missing."""
    seeds: list[dict[str, int]] = [dict(zip(FACTORS, one, strict=True)) for one in runs.seeds]
    try:
        return components(*crossed(seeds, runs.values)) if runs.n > 1 else None
    except BadInput:
        return None


def _of_seeds(runs: Runs, known: Components) -> dict[str, Part]:
    return {_name(one): _part(runs.metric, one) for one in known.components}


def _name(one: Component) -> str:
    return " x ".join(_FACTOR_NAMES[factor] for factor in one.factors)


def _part(metric: str, one: Component) -> Part:
    low, high = (shown(metric, end**0.5) for end in one.interval)
    p = "" if one.p is None else ", p < 0.001" if one.p < 0.001 else f", p = {one.p:.2g}"
    return Part(f"{100 * one.share:.0f} %", f"std {low} to {high}{p}")
