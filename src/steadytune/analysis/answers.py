"""Answers in words: every sentence has n, the effect with its interval, and the test."""

from __future__ import annotations

import functools
import math
from typing import Literal

from steadytune.analysis.arrangements import least_p
from steadytune.analysis.estimators import std
from steadytune.analysis.evidence import Evidence, Question
from steadytune.analysis.intervals import Interval
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
    where = _where(found)
    match found.question:
        case Question.SPREAD:
            head = (
                f"{winner.recipe} is steadier than {loser.recipe} {where}: "
                f"{_distances(found, first)}"
            )
        case Question.FAILURES:
            head = (
                f"{winner.recipe} fails less often than {loser.recipe} {where}: {_failed(winner)} "
                f"against {_failed(loser)}, {_size(found, not first)} fewer"
            )
        case _:
            higher = "higher" if winner.higher_is_better else "lower"
            head = (
                f"{winner.recipe} is better than {loser.recipe} {where}: its mean "
                f"{_metric(winner)} is {higher} by {_size(found, first)}"
            )
    return f"{head}; {_support(found)}.{_disagreement(found, decided=True)}"


def open_sentence(found: Evidence, comparisons: int = 1) -> str:
    """That it is undecided, what is known, and what these runs could have shown.

    Args:
        found: what the runs say.
        comparisons: in the family, each of which leaves the test that much less room.
    """
    a, b = found.a, found.b
    head = f"Undecided {_where(found)}: "
    match found.question:
        case Question.SPREAD:
            head += f"which of {a.recipe} and {b.recipe} is steadier: {_distances(found, True)}"
        case Question.FAILURES:
            head += (
                f"which of {a.recipe} and {b.recipe} fails less often: {_failed(a)} and "
                f"{_failed(b)}, a difference of {_size(found, _favours_a(found))}"
            )
        case _:
            head += _ahead(found)
    said = _hopeless(found, comparisons) or (
        _disagreement(found, decided=False) + _detectable(found, comparisons)
    )
    return f"{head}; {_support(found)}.{said}"


def described_sentence(found: Evidence) -> str:
    """The effect with its interval, and no verdict."""
    where = _where(found)
    match found.question:
        case Question.IMPROVEMENT:
            ahead, behind, chance = _chance(found, more_is_a=True)
            head = f"A run of {ahead} beats one of {behind} {where} with chance {chance}"
        case Question.ORDER:
            ahead, behind, share = _chance(found, more_is_a=False)
            head = (
                f"From the worst runs to the best {where}, {ahead} is ahead of {behind} in "
                f"{share} of the gap between them (0.5: no difference)"
            )
        case _:
            head = f"With other seeds and on other examples {where}, {_ahead(found)}"
    return f"{head}; {_support(found)}."


def points(metric: str, value: float) -> str:
    """A fraction as points of 100, an error as it is."""
    return _number(metric, value) + ("" if metric in _ERRORS else " points")


def _number(metric: str, value: float) -> str:
    text = f"{value:.3g}" if metric in _ERRORS else f"{100 * value:.1f}"
    return "0.0" if text == "-0.0" else text


def _where(found: Evidence) -> str:
    return f"on {found.a.task} ({found.a.encoder})"


def _metric(runs: Runs) -> str:
    return runs.metric.replace("_", " ")


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
    a, b = found.a, found.b
    if not float(_number(a.metric, found.effect.value or 0.0)):
        return f"the means of {a.recipe} and {b.recipe} differ by {_size(found, True)}"
    first = _favours_a(found)
    ahead, behind = (a, b) if first else (b, a)
    return f"{ahead.recipe} is ahead of {behind.recipe} in mean {_metric(ahead)} by " + _size(
        found, first
    )


def _turned(interval: Interval | None, sign: int) -> Interval:
    low, high = interval or (math.nan, math.nan)
    return (low, high) if sign > 0 else (-high, -low)


def _distances(found: Evidence, as_is: bool) -> str:
    """How far the runs of both lie from their median, and their standard deviations."""
    names = ("a", "b") if as_is else ("b", "a")
    (far, other), (std, std_other) = (
        [points(found.a.metric, found.details[f"{key}_{name}"]) for name in names]
        for key in ("mean_distance", "std")
    )
    value, (low, high) = found.effect.value or 0.0, found.effect.interval or (math.nan, math.nan)
    if not as_is:
        value, low, high = _inverse(value), _inverse(high), _inverse(low)
    return (
        f"runs lie {far} from their median on average against {other}, {_times(value)} times as "
        f"far (95 % interval {_times(low)} to {_times(high)}), standard deviations {std} and "
        f"{std_other}"
    )


def _times(ratio: float) -> str:
    """A ratio; one that only rounding keeps from infinity is no number to read."""
    if ratio > _MOST_TIMES:
        return f"over {_MOST_TIMES}"
    return f"{ratio:.2f}" if ratio >= 1 / _MOST_TIMES else f"under {1 / _MOST_TIMES:g}"


def _inverse(value: float) -> float:
    return 1 / value if value else math.inf


def _chance(found: Evidence, *, more_is_a: bool) -> tuple[str, str, str]:
    """The recipe that is ahead, the other, and its share with the interval."""
    value, ends = found.effect.value or 0.0, found.effect.interval
    as_is = value >= 0.5
    names = (
        (found.a.recipe, found.b.recipe) if as_is is more_is_a else (found.b.recipe, found.a.recipe)
    )
    if not as_is:
        value, ends = 1 - value, None if ends is None else (1 - ends[1], 1 - ends[0])
    told = "no interval" if ends is None else f"95 % interval {ends[0]:.2f} to {ends[1]:.2f}"
    return *names, f"{value:.2f} ({told})"


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


def _disagreement(found: Evidence, *, decided: bool) -> str:
    """Why the interval and the verdict beside it seem to say different things, where they do."""
    test, ends = found.tests[0], found.effect.interval
    if ends is None or (ends[0] <= found.neutral <= ends[1]) != decided:
        return ""
    holds = f"The interval {'includes' if decided else 'excludes'} {found.neutral:g}"
    if not decided and test.p < ALPHA:
        return (
            f" {holds} because it is of this comparison alone; corrected for all verdicts here, p "
            "is not below 0.05."
        )
    return f" {holds} because it is made by another method; the test decides."


def _hopeless(found: Evidence, comparisons: int) -> str:
    """That so few runs cannot be significant among so many comparisons, where it is so."""
    least = least_p(found.a.n, found.b.n, comparisons)
    if found.question is Question.FAILURES or least * comparisons < ALPHA:
        return ""
    return (
        f" With {found.a.n} and {found.b.n} runs and {comparisons} comparisons nothing can be "
        f"significant: the smallest possible p, {least:.2g}, becomes "
        f"{min(1.0, comparisons * least):.2g} after correction. The interval is of this comparison "
        "alone."
    )


def _detectable(found: Evidence, comparisons: int) -> str:
    """What these runs would find in 4 of 5 studies, where that can be said."""
    n, alpha = min(found.a.n, found.b.n), ALPHA / max(comparisons, 1)
    if found.question is Question.LEVEL:
        of_a, of_b = (float(std(one.values)) for one in (found.a, found.b))
        least = detectable_difference(of_a, of_b, n, alpha=alpha)
        if not least:  # no run differs from another
            return ""
        what = f"a difference of {points(found.a.metric, least)}"
    elif found.question is Question.SPREAD:
        ratio = _detectable_ratio(n, alpha=alpha)
        if ratio is None:
            return ""
        what = f"standard deviations 1 : {ratio:.1f}"
    else:
        share = min(found.a.failed.mean(), found.b.failed.mean())
        found_share = detectable_share(float(share), n, alpha=alpha)
        if found_share is None:
            return ""
        what = f"{100 * share:.0f} % against {100 * found_share:.0f} %"
    runs = f"{n} runs of each" + (f" and {comparisons} comparisons" if comparisons > 1 else "")
    return f" With {runs} {what} would be found in 4 of 5 studies."


_detectable_ratio = functools.cache(detectable_ratio)
