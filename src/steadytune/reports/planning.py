"""How many seeds a study needs, and what so many can show, as sentences and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial

from steadytune.analysis.failure_tests import MOST
from steadytune.analysis.power import (
    ALPHA,
    detectable_difference,
    detectable_ratio,
    detectable_share,
    failure_power,
    mean_power,
    seeds_for,
    spread_power,
)
from steadytune.analysis.sequential import sequential_plan, sequential_power
from steadytune.errors import BadInput
from steadytune.reports.strict_json import strict_json

_LARGEST = 1e6  # beyond this a number is a slip
LEAST = 5  # seeds of each recipe that ``compare`` asks for


@dataclass(frozen=True)
class Difference:
    """What may lie between two recipes; what is None is not asked.

    Attributes:
        means: their difference, in the unit of ``stds``. stds: of each recipe's runs.
        ratio: of their standard deviations, above 1. failed: the failed share of each.
    """

    means: float | None = None
    stds: tuple[float, float] = (1.0, 1.0)
    ratio: float | None = None
    failed: tuple[float, float] | None = None


@dataclass(frozen=True)
class Need:
    """Seeds for one difference, or what a number of seeds finds.

    Attributes:
        what: the difference. test: that finds it. seeds: of each recipe; None where MOST do not do.
        power: with so many. sentence: the same in words.
    """

    what: str
    test: str
    seeds: int | None
    power: float | None
    sentence: str


@dataclass(frozen=True)
class Look:
    """A look at a growing study: after ``seeds`` of each recipe stop where p is below ``p``.

    ``p`` is 0 where so few runs cannot have as small a p-value as the look would ask.
    """

    seeds: int
    p: float


def seeds_needed(
    asked: Difference, *, power: float, comparisons: int = 1, seeds: int | None = None
) -> list[Need]:
    """For each difference that is asked, the seeds for ``power``, or the power of ``seeds``.

    Raises:
        BadInput: a number is outside of what it can be.
    """
    _check(asked, power, comparisons, seeds)
    alpha = ALPHA / comparisons
    return [
        _need(what, test, partial(power_of, alpha=alpha), power, seeds)
        for what, test, power_of in _questions(asked)
    ]


def found_by(seeds: int, *, power: float, comparisons: int = 1) -> list[str]:
    """What differences ``seeds`` of each recipe find with that power, a sentence each."""
    _check(Difference(means=1.0), power, comparisons, seeds)
    alpha = ALPHA / comparisons
    means = detectable_difference(1, 1, seeds, alpha=alpha, power=power)
    ratio = detectable_ratio(seeds, alpha=alpha, power=power)
    share = detectable_share(0.0, seeds, alpha=alpha, power=power)
    no, found = "no difference of", f"{seeds} seeds of each recipe find in {100 * power:g} %"
    told = [
        f"{no} means, however large" if means is None else f"means {means:.2f} stds apart",
        f"{no} stds, however large" if ratio is None else f"stds 1 : {ratio:.1f}",
        f"{no} failed shares" if share is None else f"failed shares of 0 and {100 * share:.0f} %",
    ]
    return [f"{found} of studies: {one}." for one in told]


def looks(at: Sequence[int], asked: Difference, *, comparisons: int = 1) -> tuple[list[Look], str]:
    """An O'Brien-Fleming plan that keeps its error rate of 5 %, and what it costs.

    Raises:
        BadInput: the numbers of seeds do not rise, or begin below 5.
    """
    plan = sequential_plan(at, alpha=ALPHA / comparisons)
    told = "All looks together err in 5 % of studies whose recipes do not differ."
    if comparisons > 1:
        told += f" Each of the {comparisons} comparisons has its share of that."
    if asked.means is not None:
        chance, runs = sequential_power(plan, asked.means, *asked.stds)
        told += (
            f" {_means(asked)} are found with chance {chance:.2f}, after {runs:.1f} seeds of each "
            "on average."
        )
    return [Look(*pair) for pair in zip(plan.looks, plan.nominal, strict=True)], told


def _questions(asked: Difference) -> list[tuple[str, str, Callable[..., float]]]:
    found = list[tuple[str, str, Callable[..., float]]]()
    if asked.means is not None:
        found.append((_means(asked), "permutation", partial(_power_of_means, asked)))
    if asked.ratio is not None:
        what = f"Standard deviations 1 : {asked.ratio:g}"
        found.append((what, "Brown-Forsythe", partial(spread_power, asked.ratio)))
    if asked.failed is not None:
        one, other = asked.failed
        what = f"Failed shares of {100 * one:g} % and {100 * other:g} %"
        found.append((what, "Barnard", partial(failure_power, one, other)))
    return found


def _power_of_means(asked: Difference, seeds: int, *, alpha: float) -> float:
    return mean_power(asked.means or 0.0, *asked.stds, seeds, alpha=alpha)


def _means(asked: Difference) -> str:
    one, other = asked.stds
    return f"Means {asked.means:g} apart (standard deviations {one:g} and {other:g})"


def _need(
    what: str, test: str, power_of: Callable[[int], float], power: float, seeds: int | None
) -> Need:
    if seeds is not None:
        reached = power_of(seeds)
        sentence = (
            f"{what}: {seeds} seeds of each recipe find this in {100 * reached:.0f} % of studies"
        )
        return Need(what, test, seeds, reached, f"{sentence} ({test} test).")
    needed = seeds_for(power_of, power=power, least=LEAST)
    if needed is None:
        sentence = f"{what}: not even {MOST} seeds of each recipe find this in {100 * power:g} %"
        return Need(what, test, None, None, f"{sentence} of studies ({test} test).")
    sentence = f"{what}: {needed} seeds of each recipe find this in {100 * power:g} % of studies"
    return Need(what, test, needed, power_of(needed), f"{sentence} ({test} test).")


def _check(asked: Difference, power: float, comparisons: int, seeds: int | None) -> None:
    shares = asked.failed or (0.0, 0.0)
    wrong = {
        f"--power {power:g}: give a chance between 0 and 1, such as 0.8": not 0 < power < 1,
        f"--comparisons {comparisons}: give 1 to {_LARGEST:g}": not 1 <= comparisons <= _LARGEST,
        f"--seeds {seeds}: give {LEAST} to {MOST}, as compare takes {LEAST} of each at least": (
            seeds is not None and not LEAST <= seeds <= MOST
        ),
        f"--std {asked.stds}: give standard deviations above 0, at most {_LARGEST:g}": (
            not all(0 < std <= _LARGEST for std in asked.stds)
        ),
        f"--means {asked.means}: give a difference other than 0, at most {_LARGEST:g}": (
            asked.means is not None and not 0 < abs(asked.means) <= _LARGEST
        ),
        f"--ratio {asked.ratio}: give the larger std over the smaller, above 1, at most 1000": (
            asked.ratio is not None and not 1 < asked.ratio <= 1000
        ),
        f"--failed {shares}: give two different shares between 0 and 1, such as 0.1 0.4": (
            not all(0 <= share <= 1 for share in shares)
            or (asked.failed is not None and shares[0] == shares[1])
        ),
    }
    for problem, is_so in wrong.items():
        if is_so:
            raise BadInput(problem)


class Format(StrEnum):
    """Output formats of ``power``."""

    text = "text"
    json = "json"


def as_json(
    needs: Sequence[Need], shown: Sequence[str], plan: Sequence[Look], remarks: Sequence[str]
) -> str:
    """All of it as one object."""
    found = {
        "needs": [asdict(one) for one in needs],
        "found_by_seeds": list(shown),
        "looks": [asdict(one) for one in plan],
        "remarks": list(remarks),
    }
    return strict_json(found)


def as_text(
    needs: Sequence[Need], shown: Sequence[str], plan: Sequence[Look], remarks: Sequence[str]
) -> str:
    """A line a sentence."""
    lines = [one.sentence for one in needs]
    lines += shown
    lines += [
        f"After {one.seeds} seeds of each: stop if p < {one.p:.2g}."
        if one.p
        else f"After {one.seeds} seeds of each: go on; so few runs cannot have so small a p."
        for one in plan
    ]
    return "\n".join([*lines, *remarks])
