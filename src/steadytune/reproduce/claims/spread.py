"""Level and spread of the headline metric: proposed recipe, default recipe, Mixout (table 1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from steadytune.metrics import METRICS
from steadytune.recipe import Recipe
from steadytune.reproduce.claims._claim import (
    Claim,
    Finding,
    Measured,
    Verdict,
    as_measured,
    by_threshold,
    decided,
    told,
    undecided,
)
from steadytune.reproduce.evidence import Evidence
from steadytune.results.conditions import Condition
from steadytune.results.outcomes import Outcome, outcome
from steadytune.results.summary import Which, scores
from steadytune.stats.level_tests import mean_difference
from steadytune.stats.spread_tests import brown_forsythe, std_ratio_estimate
from steadytune.stats.variance_components import outcome_share
from steadytune.study import TaskChoice

Numbers = NDArray[np.float64]
SIGNIFICANT = 0.05
LEAST_SPREAD = 3  # runs of a cell below which it has no spread
LEAST = 5  # runs of a cell below which spreads and extremes are not compared
MOST_VARIANCE = 0.5


def _merits(cell: Condition, which: Which = "last") -> Numbers:
    """(n,) headline metric of the ended runs, more is better."""
    values = scores(cell, which)
    task = cell.records[0].task if cell.records else None
    return np.array([METRICS[task.metric].merit(v) for v in values]) if task else values


def _on_each_task(
    evidence: Evidence,
    one: Recipe,
    other: Recipe,
    compare: Callable[[Numbers, Numbers], Measured | None],
) -> list[tuple[str, Measured | None, int]]:
    """Per task: its title, the comparison, and n of both recipes together."""
    found = list[tuple[str, Measured | None, int]]()
    for task in evidence.cast.scale.tasks:
        first = _merits(evidence.cell(one, task))
        second = _merits(evidence.cell(other, task))
        found.append((task.title, compare(first, second), len(first) + len(second)))
    return found


def _all_tasks(
    evidence: Evidence,
    found: Sequence[tuple[str, Measured | None, int]],
    threshold: float,
    above: bool,
    factor: float,
    more: str = "",
) -> Finding:
    """Confirmed if every task confirms, refuted if any refutes."""
    verdicts = [by_threshold(one, threshold, above) for _, one, _ in found]
    measured = "; ".join(f"{title}: {told(one, factor)}" for title, one, _ in found) + more
    n = sum(size for _, _, size in found)
    numbers = [one for _, one, _ in found if one is not None]
    last = numbers[0] if len(found) == 1 and numbers else None
    if Verdict.REFUTED in verdicts:
        return Finding(Verdict.REFUTED, measured, n)
    if verdicts and all(one is Verdict.CONFIRMED for one in verdicts):
        return Finding(Verdict.CONFIRMED, measured, n, *(last or (None, None)))
    why = "the interval of at least one task holds both answers, or a group has no spread or runs"
    return undecided(evidence, "table1", why, measured, n, last)


def _lower_spread(evidence: Evidence) -> Finding:
    cast = evidence.cast
    against = {"default": cast.default, "Mixout": cast.mixout}
    found = list[tuple[str, Measured | None, int]]()
    notes, equal = list[str](), False
    for name, other in against.items():
        for title, one, n in _on_each_task(evidence, cast.proposed, other, _std_ratio):
            found.append((f"{title}, SD over that of {name}", one, n))
        for task in cast.scale.tasks:
            p = _brown_forsythe(evidence, other, task)
            notes.append(f"Brown-Forsythe {task.title}, {name}: p = {p:.2g}")
            equal |= not p < SIGNIFICANT  # also where there is no p
    finding = _all_tasks(evidence, found, 1.0, False, 1.0, "; " + "; ".join(notes))
    if finding.verdict is Verdict.CONFIRMED and equal:
        why = "a bootstrap of so few runs is too narrow, and Brown-Forsythe does not agree with it"
        return undecided(evidence, "table1", why, finding.measured, finding.n)
    return finding


def _brown_forsythe(evidence: Evidence, other: Recipe, task: TaskChoice) -> float:
    """The p value of equal spreads (Levene about the median); NaN where there is none."""
    a, b = (_merits(evidence.cell(recipe, task)) for recipe in (evidence.cast.proposed, other))
    if min(len(a), len(b)) < LEAST_SPREAD or np.ptp(a) == np.ptp(b) == 0:
        return float("nan")
    return brown_forsythe(a, b).p


def _std_ratio(first: Numbers, second: Numbers) -> Measured | None:
    """First over second standard deviation; None for few runs, or where all of one are alike."""
    if min(len(first), len(second)) < LEAST_SPREAD or 0 in (np.ptp(first), np.ptp(second)):
        return None
    return as_measured(std_ratio_estimate(first, second))


def _mean_difference(first: Numbers, second: Numbers) -> Measured | None:
    return as_measured(mean_difference(first, second))


def _higher_mean(evidence: Evidence) -> Finding:
    cast = evidence.cast
    found = _on_each_task(evidence, cast.proposed, cast.default, _mean_difference)
    return _all_tasks(evidence, found, 0.0, True, 100.0)


def _max_comparable(evidence: Evidence) -> Finding:
    cast = evidence.cast
    parts, lags, sizes = list[str](), list[float](), list[int]()
    for task in cast.scale.tasks:
        ours, theirs = (
            _merits(evidence.cell(recipe, task)) for recipe in (cast.proposed, cast.default)
        )
        sizes += [len(ours), len(theirs)]
        if min(len(ours), len(theirs)) == 0:
            continue
        facts = evidence.cell(cast.proposed, task).records[0].task
        p = min(max(float(theirs.max()), 0.0), 1.0)
        noise = float(np.sqrt(p * (1 - p) / facts.dev_examples[facts.report]))
        lags.append(float(ours.max() - theirs.max()) + 2 * noise)
        parts.append(
            f"{task.title}: {100 * ours.max():.1f} against {100 * theirs.max():.1f} "
            f"(2 SD of dev: {200 * noise:.1f})"
        )
    measured, n = "; ".join(parts) or "no runs", sum(sizes)
    if not sizes or min(sizes) < LEAST:
        return undecided(evidence, "table1", f"a maximum needs {LEAST} runs a cell", measured, n)
    verdict = Verdict.CONFIRMED if min(lags) >= 0 else Verdict.REFUTED
    return Finding(verdict, measured, n)


def _groups_explain(evidence: Evidence) -> Finding:
    cell = evidence.cell(evidence.cast.default, evidence.cast.scale.main)
    values = _merits(cell)
    ended = [record for record in cell.records if record.state.ended]
    failed = np.array([outcome(record) is not Outcome.SUCCESS for record in ended])
    if len(values) < LEAST or failed.all() or not failed.any():
        why = "it takes failed and successful runs of the default recipe, at least 5 together"
        return undecided(evidence, "table1", why, f"{failed.sum()} failed", len(values))
    found = as_measured(outcome_share(values, failed))
    verdict = by_threshold(found, MOST_VARIANCE)
    measured = f"share of the variance between failed and successful runs: {told(found)}"
    return decided(evidence, "table1", found, verdict, measured, len(values))


def _best_flatters(evidence: Evidence) -> Finding:
    bests, lasts, notes = list[Numbers](), list[Numbers](), list[str]()
    for task in evidence.cast.scale.tasks:
        for recipe in (evidence.cast.default, evidence.cast.proposed):
            cell = evidence.cell(recipe, task)
            last, best = _merits(cell), _merits(cell, "best")
            if len(last) > 1:
                bests.append(best)
                lasts.append(last)
                notes.append(
                    f"{task.title}, {recipe.name}: mean {100 * last.mean():.1f} last, "
                    f"{100 * best.mean():.1f} best; SD {100 * last.std(ddof=1):.1f} last, "
                    f"{100 * best.std(ddof=1):.1f} best"
                )
    joined = [np.concatenate([np.zeros(0), *parts]) for parts in (bests, lasts)]
    found = as_measured(mean_difference(*joined, paired=True))
    verdict = by_threshold(found, 0.0)
    measured = f"best minus last, x 100: {told(found, 100)}; " + "; ".join(notes)
    return decided(evidence, "checkpoint_control", found, verdict, measured, len(joined[0]))


CLAIMS = (
    Claim(
        "C4",
        "The proposed recipe has a lower SD than the default and than Mixout.",
        "SD 2.7 / 0.8 / 1.8 (RTE / MRPC / CoLA) against 4.5 / 3.9 / 25.6 and 7.9 / 3.8 / 20.9; "
        "Levene p < 0.001 against the second smallest",
        "the ratio of SDs is below 1 on every task and against both, and Brown-Forsythe p < 0.05",
        ("table1",),
        _lower_spread,
    ),
    Claim(
        "C5",
        "The proposed recipe has a higher mean on every task.",
        "67.3 / 90.3 / 62.1 against 50.9 / 84.0 / 45.6",
        "the difference of means is above 0 on every task",
        ("table1",),
        _higher_mean,
    ),
    Claim(
        "C6",
        "The best run of the proposed recipe is comparable to or better than the default's.",
        "71.1 / 91.7 / 65.3 against 67.5 / 91.2 / 64.6",
        "no maximum lies more than two SDs of the dev split below the default's",
        ("table1",),
        _max_comparable,
    ),
    Claim(
        "C24",
        "At the default recipe most of the variance lies between failed and successful runs.",
        "argued from figure 1; no number",
        "share of the variance between the two groups above 50 %",
        ("table1",),
        _groups_explain,
    ),
    Claim(
        "C28",
        "Reporting the best checkpoint makes results look better (extension).",
        "arXiv v1 (best) 70.1, SD 2.4; ICLR (last) 67.3, SD 2.7 on RTE",
        "best minus last on the same runs is above 0",
        ("checkpoint_control",),
        _best_flatters,
    ),
)
