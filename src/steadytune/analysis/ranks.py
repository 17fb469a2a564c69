"""Ranks over tasks: which recipe comes first how often (Friedman, Nemenyi; Demsar 2006)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from steadytune.analysis.intervals import Numbers
from steadytune.errors import BadInput


@dataclass(frozen=True)
class Ranks:
    """The order of K recipes over T tasks.

    Attributes:
        recipes: their names. mean_ranks: (K,) 1 is best; ties have their mean rank.
        statistic, p: of Friedman's test that all recipes rank equally, corrected for ties.
        iman_davenport, iman_davenport_p: its less conservative form.
        critical_difference: mean ranks that differ by this much differ (Nemenyi, alpha = 0.05).
        pairwise_p: (K, K) p-values of Nemenyi's test, corrected for the number of pairs.
        tasks: T. Below about 10 the test finds only what is plain anyway.
    """

    recipes: tuple[str, ...]
    mean_ranks: Numbers
    statistic: float
    p: float
    iman_davenport: float
    iman_davenport_p: float
    critical_difference: float
    pairwise_p: Numbers
    tasks: int


def ranks(recipes: tuple[str, ...], scores: Numbers, alpha: float = 0.05) -> Ranks:
    """Ranks from (T, K) scores, one a task and recipe, more being better.

    Raises:
        BadInput: fewer than 2 tasks or recipes.
    """
    tasks, k = scores.shape
    if tasks < 2 or k < 2:
        raise BadInput(
            f"ranks of {k} recipes on {tasks} tasks: give at least 2 of each, better 3 recipes on "
            "10 tasks"
        )
    placed = stats.rankdata(-scores, axis=1)
    mean_ranks = placed.mean(axis=0)
    chi2 = _friedman(placed)
    f = (tasks - 1) * chi2 / left if (left := tasks * (k - 1) - chi2) > 1e-9 else math.inf
    step = math.sqrt(k * (k + 1) / (6 * tasks))
    gaps = np.abs(mean_ranks[:, None] - mean_ranks) / step
    return Ranks(
        recipes=recipes,
        mean_ranks=mean_ranks,
        statistic=chi2,
        p=float(stats.chi2.sf(chi2, k - 1)),
        iman_davenport=f,
        iman_davenport_p=float(stats.f.sf(f, k - 1, (k - 1) * (tasks - 1))),
        critical_difference=nemenyi_quantile(k, alpha) * step,
        pairwise_p=np.asarray(
            stats.studentized_range.sf(gaps * math.sqrt(2), k, np.inf), dtype=np.float64
        ),
        tasks=tasks,
    )


def nemenyi_quantile(recipes: int, alpha: float = 0.05) -> float:
    """Studentized range over the square root of 2 (Demsar 2006, table 5a)."""
    return float(stats.studentized_range.ppf(1 - alpha, recipes, np.inf)) / math.sqrt(2)


def _friedman(placed: Numbers) -> float:
    """Friedman's chi-square corrected for ties, also of 2 recipes, of which scipy has none."""
    tasks, k = placed.shape
    middle = (k + 1) / 2
    between = tasks * float(np.sum((placed.mean(axis=0) - middle) ** 2))
    within = float(np.sum((placed - middle) ** 2)) / (tasks * (k - 1))
    return between / within if within > 0 else 0.0
