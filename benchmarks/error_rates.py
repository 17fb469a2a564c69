"""How often a whole page of answers is wrong, by simulation: the tables of docs/statistics.md.

A study has 3 recipes on 3 tasks. The recipes of a task do not differ, or differ in their means
only; a page is wrong if it holds any verdict that says otherwise.

* compare: two recipes, which is better, steadier, fails less, on 3 tasks.
* report: the recipe with the best mean of each task against the two others.

The standard error of a share p of S studies is sqrt(p (1 - p) / S): 0.5 points for S = 2000.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from coverage import Draw, groups, normal, table
from numpy.typing import NDArray

from steadytune.analysis.compare import compare_page
from steadytune.analysis.evidence import Question
from steadytune.analysis.leaderboard import report_page
from steadytune.analysis.more_seeds import advised
from steadytune.analysis.multi_bootstrap import multi_bootstrap
from steadytune.analysis.page import Comparison, adjusted_tests
from steadytune.analysis.permutation_test import difference
from steadytune.analysis.power import ALPHA
from steadytune.analysis.runs import Runs

SIZES = (5, 10, 25)
RECIPES, TASKS, EXAMPLES = 3, 3, 200
APART = 0.2
DECIDED = [question for question in Question if question.decided]


def skewed(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Runs that all succeed, some of them far below the others (exponential)."""
    return 0.72 - rng.exponential(0.02, n)


DISTRIBUTIONS: dict[str, Draw] = {
    "normal": normal,
    "skewed": skewed,
    "10 % failing": groups(0.1),
    "30 % failing": groups(0.3),
    "50 % failing": groups(0.5),
}


def simulated(values: NDArray[np.float64], task: int, recipe: int) -> Runs:
    """Runs of a recipe; those at 0.53 failed."""
    n = len(values)
    seeds = range(n * recipe, n * (recipe + 1))
    return Runs(
        task=f"t{task}",
        encoder="e",
        recipe=f"r{recipe}",
        metric="accuracy",
        values=values,
        failed=values == 0.53,
        losses=np.arange(n) / 1000 + recipe,
        seeds=tuple((seed, seed, seed) for seed in seeds),
        ids=tuple(f"r{recipe}-{seed}" for seed in seeds),
        examples=EXAMPLES,
    )


def study(rng: np.random.Generator, draw: Draw, n: int, gap: float = 0.0) -> list[list[Runs]]:
    """The recipes of each task; with a gap each is so much better than the one before."""
    return [
        [simulated(draw(rng, n) + gap * recipe, task, recipe) for recipe in range(RECIPES)]
        for task in range(TASKS)
    ]


def compare_is_wrong(tasks: Sequence[Sequence[Runs]], questions: Sequence[Question]) -> bool:
    """Whether comparing the first two recipes in all questions ends in a verdict on these."""
    asked = [Comparison(question, runs[0], runs[1]) for runs in tasks for question in DECIDED]
    return _any_verdict(asked, (), questions)


def report_is_wrong(tasks: Sequence[Sequence[Runs]]) -> bool:
    """Whether a report says of any recipe that it is better than another or fails less."""
    ranked = [sorted(runs, key=lambda one: -float(one.merit.mean())) for runs in tasks]
    return _any_verdict(*report_page(ranked), DECIDED)


def _any_verdict(
    asked: Sequence[Comparison], unasked: Sequence[Comparison], questions: Sequence[Question]
) -> bool:
    for one, tested in zip(asked, adjusted_tests(asked, unasked), strict=True):
        if tested.tests and one.question in questions:
            test = tested.tests[0]
            if (test.p if test.adjusted is None else test.adjusted) < ALPHA:
                return True
    return False


def pages(studies: int, seed: int) -> Iterator[str]:
    """Wrong pages where no recipe differs, and where their means alone do."""
    rows = list[list[object]]()
    for name, draw in DISTRIBUTIONS.items():
        for page in ("compare", "report"):
            row: list[object] = [f"{page}, {name}"]
            for n in SIZES:
                rng = np.random.default_rng([seed, n])
                wrong = 0
                for _ in range(studies):
                    tasks = study(rng, draw, n)
                    wrong += (
                        compare_is_wrong(tasks, DECIDED)
                        if page == "compare"
                        else report_is_wrong(tasks)
                    )
                row.append(wrong / studies)
            rows.append(row)
    yield table(["no recipe differs", *(f"n = {n}" for n in SIZES)], rows)
    rows = []
    for name in ("normal", "skewed"):
        row = [f"compare, {name}: steadier or fails less"]
        for n in SIZES:
            rng = np.random.default_rng([seed, n])
            others = [Question.SPREAD, Question.FAILURES]
            wrong = sum(
                compare_is_wrong(study(rng, DISTRIBUTIONS[name], n, APART), others)
                for _ in range(studies)
            )
            row.append(wrong / studies)
        rows.append(row)
    yield table(["means 20 points apart", *(f"n = {n}" for n in SIZES)], rows)


def intervals(studies: int, seed: int) -> Iterator[str]:
    """How often intervals of differences leave out the truth, 0."""
    rows = list[list[object]]()
    for name, draw in DISTRIBUTIONS.items():
        row: list[object] = [f"difference of means, {name}"]
        for n in SIZES:
            rng = np.random.default_rng([seed, n])
            found = (difference(draw(rng, n), draw(rng, n)).interval for _ in range(studies))
            row.append(sum(_leaves_out(one) for one in found) / studies)
        rows.append(row)
    for share in (0.0, 0.1, 0.3, 0.5):
        row = [f"on other examples, {100 * share:.0f} % failing"]
        for n in SIZES:
            rng = np.random.default_rng([seed, n])
            row.append(sum(_examples(rng, share, n) for _ in range(studies)) / studies)
        rows.append(row)
    yield table(["interval leaves out 0", *(f"n = {n}" for n in SIZES)], rows)


def _examples(rng: np.random.Generator, share: float, n: int) -> bool:
    """Two recipes whose runs predict each example right with a chance of its own, or failed."""
    labels = rng.integers(0, 2, EXAMPLES)
    easy = rng.beta(4, 1.5, EXAMPLES)
    right = rng.random((2, n, EXAMPLES)) < easy
    failed = rng.random((2, n)) < share
    predicted = np.where(right, labels, 1 - labels)
    predicted[failed] = 0
    found = multi_bootstrap(predicted[0], predicted[1], labels, "accuracy", paired=False)
    return _leaves_out(found.interval)


def _leaves_out(ends: tuple[float, float] | None) -> bool:
    return ends is not None and not ends[0] <= 0 <= ends[1]


def advice(studies: int, seed: int) -> Iterator[str]:
    """How often a second study with the advised number of seeds decides what a first did not."""
    rows = list[list[object]]()
    for gap in (0.5, 1.0, 2.0):
        rng = np.random.default_rng([seed, int(10 * gap)])
        told, decided, numbers = 0, 0, list[int]()
        for _ in range(studies):
            needed = _needed(_two(rng, gap, 5))
            if needed is not None:
                told += 1
                numbers.append(needed)
                asked = [Comparison(Question.LEVEL, *_two(rng, gap, needed))]
                decided += _any_verdict(asked, (), DECIDED)
        row = [f"{gap} std apart", told / studies, float(np.median(numbers)), decided / told]
        rows.append(row)
    headings = ["means", "a number is told", "median number", "so many decide it"]
    yield table(headings, rows)


def _two(rng: np.random.Generator, gap: float, n: int) -> tuple[Runs, Runs]:
    return (
        simulated(normal(rng, n) + 0.02 * gap, 0, 0),
        simulated(normal(rng, n), 0, 1),
    )


def _needed(pair: tuple[Runs, Runs]) -> int | None:
    (answer,) = compare_page([Comparison(Question.LEVEL, *pair)])
    return advised(answer, *pair).seeds_needed


SECTIONS: dict[str, Callable[[int, int], Iterator[str]]] = {
    "pages": pages,
    "intervals": intervals,
    "advice": advice,
}


def main() -> None:
    """Print all tables, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="of each number; 100 for a look")
    parser.add_argument("--simulation-seed", type=int, default=2021)
    parser.add_argument("--only", choices=list(SECTIONS), help="one part")
    given = parser.parse_args()
    error = 100 * math.sqrt(0.05 * 0.95 / given.studies)
    print(f"{given.studies} studies a number; standard error of 0.05: {error:.1f} points\n")
    for title, make in SECTIONS.items():
        if given.only in (None, title):
            for text in make(given.studies, given.simulation_seed):
                print(f"{text}\n", flush=True)


if __name__ == "__main__":
    main()
