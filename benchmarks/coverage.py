"""How far the statistics can be trusted: coverage, false positives and power, by simulation.

Prints the tables of docs/statistics.md as Markdown. Scores are drawn from distributions whose truth
is known:

* normal: successful runs only.
* two groups: 30 % of the runs failed (at 0.53), the others normal around 0.70 with std 0.02.
* few failed: the same with 10 %.

The standard error of a share p of S simulations is sqrt(p (1 - p) / S): for S = 2000 half a point
at 0.95.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from steadytune.analysis import estimators, failure_tests, level_tests, power, spread_tests
from steadytune.analysis.intervals import bootstrap, bootstrap_interval, wilson
from steadytune.analysis.permutation_test import permutation
from steadytune.analysis.sequential import sequential_plan
from steadytune.analysis.stochastic_order import DECISIVE, almost_stochastic_order

Numbers = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Numbers]
SIZES = (5, 10, 25)
ALPHA = 0.05


def groups(share: float) -> Draw:
    """Runs of which a share failed."""

    def draw(rng: np.random.Generator, n: int) -> Numbers:
        return np.where(rng.random(n) < share, 0.53, rng.normal(0.70, 0.02, n))

    return draw


def normal(rng: np.random.Generator, n: int) -> Numbers:
    """Runs that all succeed."""
    return rng.normal(0.70, 0.02, n)


DISTRIBUTIONS: dict[str, Draw] = {
    "normal": normal,
    "two groups": groups(0.3),
    "few failed": groups(0.1),
}
FAILED = {"normal": 0.0, "two groups": 0.3, "few failed": 0.1}


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A pipe table; shares with three decimals."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(
        "| " + " | ".join(f"{x:.3f}" if isinstance(x, float) else str(x) for x in line) + " |"
        for line in lines
    )


def coverage(name: str, studies: int, seed: int) -> str:
    """How often 95 % intervals hold the truth; in brackets without widening them for few runs."""
    rng, draw = np.random.default_rng(seed), DISTRIBUTIONS[name]
    population = draw(rng, 2_000_000)
    rows = list[list[object]]()
    for what in ("mean", "median", "iqm", "std"):
        truth = float(estimators.STATISTICS[what](population))
        rows.append([what, *_covered(what, truth, draw, studies, rng)])
    rows.append(["ratio of two stds", *_ratio_covered(draw, studies, rng)])
    if failing := FAILED[name]:
        rows.append(["failed share (exact)", *(_wilson_covered(failing, n) for n in SIZES)])
    return table([f"interval of, {name}", *(f"n = {n}" for n in SIZES)], rows)


def _covered(
    what: str, truth: float, draw: Draw, studies: int, rng: np.random.Generator
) -> list[str]:
    """For each size: as it is made here, and plain BCa."""
    found = list[str]()
    for n in SIZES:
        hits = np.zeros(2)
        for _ in range(studies):
            values = draw(rng, n)
            ends = (
                bootstrap(values, estimators.STATISTICS[what], widened=widened)
                for widened in (True, False)
            )
            hits += [end is not None and end[0] <= truth <= end[1] for end in ends]
        found.append("{:.3f} ({:.3f})".format(*(hits / studies)))
    return found


def _wilson_covered(share: float, n: int) -> float:
    """Exact."""
    chance = stats.binom.pmf(np.arange(n + 1), n, share)
    ends = [wilson(k, n) or (0.0, 1.0) for k in range(n + 1)]
    return float(
        sum(p for p, (low, high) in zip(chance, ends, strict=True) if low <= share <= high)
    )


def _ratio_covered(draw: Draw, studies: int, rng: np.random.Generator) -> list[float]:
    row = list[float]()
    for n in SIZES:
        hits = 0
        for _ in range(studies):
            samples = [draw(rng, n), draw(rng, n)]
            found = bootstrap_interval(samples, spread_tests.std_ratio)
            hits += found is not None and found[0][0] <= 1 <= found[0][1]
        row.append(hits / studies)
    return row


def chance_to_win(studies: int, seed: int) -> str:
    """How often the interval of the probability of improvement holds the truth."""
    rng = np.random.default_rng(seed)
    rows = list[list[object]]()
    for name, draw in DISTRIBUTIONS.items():
        for what, gap in (("no difference", 0.0), ("1 std apart", 0.02)):
            ahead, behind = draw(rng, 2_000_000) + gap, draw(rng, 2_000_000)
            truth = float(np.mean((np.sign(ahead - behind) + 1) / 2))
            covered = [_chance_covered(draw, gap, truth, n, studies, rng) for n in SIZES]
            rows.append([f"{name}, {what}: {truth:.2f}", *covered])
    return table(["chance to win", *(f"n = {n}" for n in SIZES)], rows)


def _chance_covered(
    draw: Draw, gap: float, truth: float, n: int, studies: int, rng: np.random.Generator
) -> float:
    hits = 0
    for _ in range(studies):
        pair = (draw(rng, n) + gap, draw(rng, n))
        low, high = level_tests.probability_of_improvement([pair]).interval or (0.0, 1.0)
        hits += low <= truth <= high
    return hits / studies


def false_positives(name: str, studies: int, seed: int) -> str:
    """How often recipes that do not differ are told apart."""
    rng, draw = np.random.default_rng(seed), DISTRIBUTIONS[name]
    tests: dict[str, Callable[[Numbers, Numbers], bool]] = {
        "permutation (level)": lambda a, b: permutation(a, b).p < ALPHA,
        "Mann-Whitney": lambda a, b: bool(stats.mannwhitneyu(a, b).pvalue < ALPHA),
        "Brown-Forsythe (spread)": lambda a, b: spread_tests.brown_forsythe(a, b).p < ALPHA,
        "Brown-Forsythe by F alone": lambda a, b: bool(spread_tests.brown_forsythe_p(a, b) < ALPHA),
        "Fligner-Killeen": lambda a, b: bool(stats.fligner(a, b).pvalue < ALPHA),
        "Levene from the means": lambda a, b: bool(
            stats.levene(a, b, center="mean").pvalue < ALPHA
        ),
        "stochastic order below 0.2": _ordered,
    }
    rows = list[list[object]]()
    for title, test in tests.items():
        shares = [
            float(np.mean([test(draw(rng, n), draw(rng, n)) for _ in range(studies)]))
            for n in SIZES
        ]
        rows.append([title, *shares])
    if share := FAILED[name]:
        barnard = (power.failure_power(share, share, n) for n in SIZES)
        rows.append(["Barnard (failures, exact)", *barnard])
        rows.append(["Fisher (failures, exact)", *(_fisher_level(share, n) for n in SIZES)])
    return table([f"test, {name}", *(f"n = {n}" for n in SIZES)], rows)


def _ordered(a: Numbers, b: Numbers) -> bool:
    confidence = 1 - ALPHA / 2
    bounds = (almost_stochastic_order(*pair, confidence).epsilon_min for pair in ((a, b), (b, a)))
    return min(bounds) < DECISIVE


def _fisher_level(share: float, n: int) -> float:
    chance = stats.binom.pmf(np.arange(n + 1), n, share)
    return float(chance @ (failure_tests.fisher_table(n, n) < ALPHA) @ chance)


def powers(studies: int, seed: int) -> str:
    """Power as predicted and as simulated, with the tests that ``compare`` makes."""
    rng = np.random.default_rng(seed)
    rows = list[list[object]]()
    for n in SIZES:
        for gap in (1.0, 2.0):
            hits = [
                permutation(rng.normal(gap, 1, n), rng.normal(0, 1, n)).p < ALPHA
                for _ in range(studies)
            ]
            predicted = power.mean_power(gap, 1, 1, n)
            rows.append([f"means {gap:.0f} std apart", n, predicted, float(np.mean(hits))])
    for n in SIZES:
        for ratio in (2.0, 4.0):
            hits = [
                spread_tests.brown_forsythe(rng.normal(0, ratio, n), rng.normal(0, 1, n)).p < ALPHA
                for _ in range(studies)
            ]
            predicted = power.spread_power(ratio, n)
            rows.append([f"stds 1 : {ratio:.0f}", n, predicted, float(np.mean(hits))])
    for n in SIZES:
        for share in (0.3, 0.6):
            a, b = rng.binomial(n, share, studies), rng.binomial(n, 0.02, studies)
            hits = failure_tests.barnard_table(n, n)[a, b] < ALPHA
            predicted = power.failure_power(share, 0.02, n)
            rows.append([f"failed shares 0.02 and {share}", n, predicted, float(hits.mean())])
    return table(["difference", "n", "predicted", "simulated"], rows)


def seeds_needed(studies: int, seed: int) -> str:
    """Seeds a recipe for a power of 0.8, and what n seeds can show."""
    rows = list[list[object]]()
    for gap in (0.5, 1.0, 2.0):
        runs = power.seeds_for(lambda n, gap=gap: power.mean_power(gap, 1, 1, n))
        rows.append([f"means {gap} std apart", runs])
    for ratio in (1.5, 2.0, 4.0):
        runs = power.seeds_for(lambda n, ratio=ratio: power.spread_power(ratio, n))
        rows.append([f"stds 1 : {ratio}", runs])
    for share in (0.1, 0.3, 0.6):
        runs = power.seeds_for(lambda n, share=share: power.failure_power(share, 0.0, n))
        rows.append([f"failed shares 0 and {share}", runs])
    least = list[list[object]]()
    for n in (*SIZES, 50):
        ratio, share = power.detectable_ratio(n), power.detectable_share(0.0, n)
        least.append(
            [
                n,
                f"{power.detectable_difference(1, 1, n):.2f} std",
                "-" if ratio is None else f"1 : {ratio:.1f}",
                "-" if share is None else f"{share:.2f}",
            ]
        )
    found = table(["difference", "seeds of each recipe"], rows)
    shown = ["seeds of each recipe", "means", "standard deviations", "failed shares, 0 and"]
    return f"{found}\n\n{table(shown, least)}"


def sequential(studies: int, seed: int) -> str:
    """False claims and seeds of sequential studies of up to 25 seeds in five looks."""
    rng = np.random.default_rng(seed)
    looks = (5, 10, 15, 20, 25)
    plans = {
        "p < 0.05 at each look": [ALPHA] * 5,
        "O'Brien-Fleming": sequential_plan(looks).nominal,
        "Pocock": sequential_plan(looks, boundary="pocock").nominal,
    }
    rows = list[list[object]]()
    for title, nominal in plans.items():
        row: list[object] = [title]
        for draw, gap in ((normal, 0.0), (groups(0.3), 0.0), (normal, 0.02)):
            a = np.stack([draw(rng, 25) for _ in range(studies)]) + gap
            b = np.stack([draw(rng, 25) for _ in range(studies)])
            stopped, runs = np.zeros(studies, bool), np.full(studies, 25)
            for look, level in zip(looks, nominal, strict=True):
                now = ~stopped & (power.welch_p(a[:, :look], b[:, :look]) < level)
                runs[now], stopped = look, stopped | now
            row.append(float(stopped.mean()))
        row.append(f"{runs.mean():.1f}")
        rows.append(row)
    headings = ["plan", "no difference, normal", "no difference, two groups"]
    return table([*headings, "found: 1 std apart", "seeds until then"], rows)


def sections() -> dict[str, Callable[[int, int], str]]:
    """What is printed, by heading; each starts from the seed anew, so that it can be run alone."""
    found: dict[str, Callable[[int, int], str]] = {}
    for name in DISTRIBUTIONS:
        found[f"coverage, {name}"] = partial(coverage, name)
    found["coverage, chance to win"] = chance_to_win
    for name in DISTRIBUTIONS:
        found[f"false positives, {name}"] = partial(false_positives, name)
    found |= {"power": powers, "sequential": sequential, "seeds needed": seeds_needed}
    return found


def main() -> None:
    """Print all tables, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="simulations of each number")
    parser.add_argument("--simulation-seed", type=int, default=2021)
    parser.add_argument("--only", choices=list(sections()), help="one table")
    given = parser.parse_args()
    for title, make in sections().items():
        if given.only in (None, title):
            print(f"{title}\n\n{make(given.studies, given.simulation_seed)}\n", flush=True)


if __name__ == "__main__":
    main()
