"""Answers in words: every sentence has n, the effect with its interval, and the test."""

from __future__ import annotations

import functools
import math
from typing import Literal

from steadytune.analysis.evidence import Evidence, Question
from steadytune.analysis.intervals import Interval
from steadytune.analysis.level_tests import smallest_p
from steadytune.analysis.power import (
    ALPHA,
    detectable_difference,
    detectable_ratio,
    detectable_share,
)
from steadytune.analysis.runs import Runs

_MOST_TIMES = 1000
_ERRORS = ("mean_squared_error",)  # in the unit of the labels, squared: no points of 100


def decided_sentence(found: Evidence, verdict: Literal["a", "b"]) -> str:
    """Which recipe, by how much, how sure."""
    first = verdict == "a"
    winner, loser = (found.a, found.b) if first else (found.b, found.a)
    where = f"on {winner.task} ({winner.encoder})"
    match found.question:
        case Question.LEVEL:
            higher = "higher" if winner.higher_is_better else "lower"
            head = (
                f"{winner.recipe} is better than {loser.recipe} {where}: its mean {winner.metric} "
                f"is {higher} by {_size(found, first)}"
            )
        case Question.SPREAD:
            mine, other = _spreads(found, first)
            head = (
                f"{winner.recipe} is steadier than {loser.recipe} {where}: its standard deviation "
                f"is {mine} against {other}, {_ratio(found, first)}"
            )
        case Question.FAILURES:
            head = (
                f"{winner.recipe} fails less often than {loser.recipe} {where}: {_failed(winner)} "
                f"against {_failed(loser)}, {_size(found, not first)} fewer"
            )
        case Question.IMPROVEMENT:
            head = (
                f"A run of {winner.recipe} beats one of {loser.recipe} {where} with chance "
                f"{_chance(found, first)}"
            )
        case Question.ORDER:
            bound = found.details["epsilon_min_a" if first else "epsilon_min_b"]
            head = (
                f"{winner.recipe} is better than {loser.recipe} {where} from the worst runs to the "
                f"best, or nearly: almost stochastic order, epsilon_min = {bound:.2f} (below 0.2)"
            )
        case Question.EXAMPLES:
            head = (
                f"{winner.recipe} would be better than {loser.recipe} {where} with other seeds and "
                f"on other examples too: by {_size(found, first)}"
            )
    return f"{head}; {_support(found)}."


def open_sentence(found: Evidence, comparisons: int = 1) -> str:
    """That it is not decided, what is known, and what these runs could have shown.

    Args:
        found: what the runs say.
        comparisons: in the family, each of which leaves the test that much less room.
    """
    a, b = found.a, found.b
    names, where = f"{a.recipe} and {b.recipe}", f"on {a.task} ({a.encoder})"
    match found.question:
        case Question.LEVEL:
            head = f"Which of {names} is better {where} is not decided: {_ahead(found)}"
        case Question.SPREAD:
            mine, other = _spreads(found, True)
            head = f"Which of {names} is steadier {where} is not decided: standard deviations "
            head += f"{mine} and {other}, {_ratio(found, True)}"
        case Question.FAILURES:
            head = f"Which of {names} fails less often {where} is not decided: {_failed(a)} and "
            head += f"{_failed(b)}, a difference of {_size(found, _favours_a(found))}"
        case Question.IMPROVEMENT:
            head = f"Whether a run of {a.recipe} beats one of {b.recipe} {where} is open: its "
            head += f"chance is {_chance(found, True)}"
        case Question.ORDER:
            head = f"Neither of {names} is better {where} from the worst runs to the best: almost "
            head += f"stochastic order, epsilon_min = {found.details['epsilon_min_a']:.2f} and "
            head += f"{found.details['epsilon_min_b']:.2f} (none below 0.2)"
        case Question.EXAMPLES:
            head = f"Whether {names} would differ {where} with other seeds and on other examples "
            head += f"is not decided: {_ahead(found)}"
    return f"{head}; {_support(found)}.{_detectable(found, comparisons)}"


def points(metric: str, value: float) -> str:
    """A fraction as points of 100, an error as it is."""
    return _number(metric, value) + ("" if metric in _ERRORS else " points")


def _number(metric: str, value: float) -> str:
    text = f"{value:.3g}" if metric in _ERRORS else f"{100 * value:.1f}"
    return "0.0" if text == "-0.0" else text


def _size(found: Evidence, as_is: bool) -> str:
    """A difference with its interval, turned around unless ``as_is``."""
    metric = "accuracy" if found.question is Question.FAILURES else found.a.metric
    sign = 1 if as_is else -1
    low, high = _turned(found.effect.interval, sign)
    value = points(metric, sign * (found.effect.value or 0.0))
    return f"{value} (95 % interval {_number(metric, low)} to {_number(metric, high)})"


def _favours_a(found: Evidence) -> bool:
    return (found.effect.value or 0.0) >= 0


def _ahead(found: Evidence) -> str:
    """Whose mean is the better one, and by how much."""
    if not float(_number(found.a.metric, found.effect.value or 0.0)):
        return f"their means differ by {_size(found, True)}"
    first = _favours_a(found)
    ahead = found.a if first else found.b
    higher = "higher" if ahead.higher_is_better else "lower"
    return f"the mean {ahead.metric} of {ahead.recipe} is {higher} by {_size(found, first)}"


def _turned(interval: Interval | None, sign: int) -> Interval:
    low, high = interval or (math.nan, math.nan)
    return (low, high) if sign > 0 else (-high, -low)


def _spreads(found: Evidence, as_is: bool) -> tuple[str, str]:
    of_a, of_b = (points(found.a.metric, found.details[key]) for key in ("std_a", "std_b"))
    return (of_a, of_b) if as_is else (of_b, of_a)


def _ratio(found: Evidence, as_is: bool) -> str:
    value, ends = found.effect.value or 0.0, found.effect.interval or (math.nan, math.nan)
    low, high = ends
    if not as_is:
        value, low, high = _inverse(value), _inverse(high), _inverse(low)
    return f"{_times(value)} times (95 % interval {_times(low)} to {_times(high)})"


def _times(ratio: float) -> str:
    """A ratio; one that only rounding keeps from infinity is no number to read."""
    if ratio > _MOST_TIMES:
        return f"over {_MOST_TIMES}"
    return f"{ratio:.2f}" if ratio >= 1 / _MOST_TIMES else f"under {1 / _MOST_TIMES:g}"


def _inverse(value: float) -> float:
    return 1 / value if value else math.inf


def _chance(found: Evidence, as_is: bool) -> str:
    value, ends = found.effect.value or 0.0, found.effect.interval or (math.nan, math.nan)
    low, high = ends
    if not as_is:
        value, low, high = 1 - value, 1 - high, 1 - low
    return f"{value:.2f} (95 % interval {low:.2f} to {high:.2f})"


def _failed(runs: Runs) -> str:
    return f"{int(runs.failed.sum())} of {runs.n} runs"


def _support(found: Evidence) -> str:
    said = list[str]()
    if found.tests:
        test = found.tests[0]
        holm = f" ({p_value(test.adjusted)} by Holm)" if test.adjusted is not None else ""
        said.append(f"{test.test} test {p_value(test.p)}{holm}")
    if found.question is Question.EXAMPLES:
        seeds, examples = (
            points(found.a.metric, found.details[key])
            for key in ("std_from_seeds", "std_from_examples")
        )
        said.append(f"standard error {seeds} from seeds alone and {examples} from examples alone")
    n = f"n = {found.a.n} and {found.b.n} runs"
    said.append(f"{n}, compared seed by seed" if found.paired else n)
    return ", ".join(said)


def p_value(p: float) -> str:
    """``p = 0.012``, or ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def _detectable(found: Evidence, comparisons: int) -> str:
    """What these runs would find in 4 of 5 studies, where that can be said."""
    if found.question not in (Question.LEVEL, Question.SPREAD, Question.FAILURES):
        return ""
    n, alpha = min(found.a.n, found.b.n), ALPHA / comparisons
    runs = "With so many runs" + (f" and {comparisons} comparisons" if comparisons > 1 else "")
    if found.question is Question.LEVEL:
        if _smallest_p(found) >= alpha:
            least = _smallest_p(found)
            return (
                f" {runs} no difference can be found, however large: {p_value(least)} at least, "
                "before Holm's correction."
            )
        of_a, of_b = (float(one.values.std(ddof=1)) for one in (found.a, found.b))
        least = detectable_difference(of_a, of_b, n, alpha=alpha)
        if least == 0:  # no run differs from another
            return ""
        what = f"a difference of {points(found.a.metric, least)}"
    elif found.question is Question.SPREAD:
        ratio = _detectable_ratio(n, alpha=alpha)
        if ratio is None:
            return ""
        what = f"a ratio of {ratio:.1f}"
    else:
        share = min(found.a.failed.mean(), found.b.failed.mean())
        found_share = detectable_share(float(share), n, alpha=alpha)
        if found_share is None:
            return ""
        what = f"{100 * share:.0f} % against {100 * found_share:.0f} %"
    return f" {runs} {what} would be found in 4 of 5 studies."


def _smallest_p(found: Evidence) -> float:
    """Of the permutation tests of level, however far apart the recipes are."""
    n, m = found.a.n, found.b.n
    return smallest_p(2**n if found.paired else math.comb(n + m, n))


_detectable_ratio = functools.cache(detectable_ratio)
