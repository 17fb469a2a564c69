"""Claim: a testable statement, how it is decided, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from steadytune.reproduce.evidence import Evidence
from steadytune.stats.estimators import Estimate
from steadytune.stats.intervals import Interval, wilson


class Measured(NamedTuple):
    """A number that decides a claim, and its 95 % interval."""

    value: float
    interval: Interval


class Verdict(StrEnum):
    """What the runs at hand say of a claim. Undecided is an answer, with what would decide it."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNDECIDED = "not decided"


@dataclass(frozen=True)
class Finding:
    """What a claim ended in.

    Attributes:
        verdict: see Verdict. n: runs (or pairs) that it is from.
        measured: the value in words. value, interval: the number that decided, where it is one.
        why: of a claim that is not decided, what is missing.
        command: what would decide it.
    """

    verdict: Verdict
    measured: str
    n: int
    value: float | None = None
    interval: Interval | None = None
    why: str = ""
    command: str = ""


@dataclass(frozen=True)
class Claim:
    """A statement of the paper, or one that it left open (an extension).

    Attributes:
        name: C1 ... C30. statement: what is claimed. published: what the paper reports.
        rule: what confirms and what refutes. experiments: that make its runs.
        decide: from the evidence.
    """

    name: str
    statement: str
    published: str
    rule: str
    experiments: tuple[str, ...]
    decide: Callable[[Evidence], Finding]


def undecided(
    evidence: Evidence,
    experiments: str,
    why: str,
    measured: str = "nothing",
    n: int = 0,
    found: Measured | None = None,
    more: str = "",
) -> Finding:
    """Not decided, with the command that would: these experiments at the paper's scale."""
    command = more or f"{evidence.command} {experiments}"
    value, interval = (None, None) if found is None else found
    return Finding(Verdict.UNDECIDED, measured, n, value, interval, why, command)


def by_threshold(
    found: Measured | None,
    threshold: float,
    above: bool = True,
) -> Verdict:
    """Whether an interval lies wholly on the claimed side of a threshold, on the other, neither."""
    if found is None:
        return Verdict.UNDECIDED
    low, high = found.interval
    if low > threshold:
        return Verdict.CONFIRMED if above else Verdict.REFUTED
    if high < threshold:
        return Verdict.REFUTED if above else Verdict.CONFIRMED
    return Verdict.UNDECIDED


def decided(
    evidence: Evidence,
    experiments: str,
    found: Measured | None,
    verdict: Verdict,
    measured: str,
    n: int,
) -> Finding:
    """A finding from one number; undecided ones get the reason that fits."""
    if found is None:
        return undecided(evidence, experiments, "too few ended runs", measured, n)
    if verdict is Verdict.UNDECIDED:
        why = f"the interval of {n} runs holds both answers"
        return undecided(evidence, experiments, why, measured, n, found)
    return Finding(verdict, measured, n, found.value, found.interval)


def as_measured(found: Estimate) -> Measured | None:
    """An estimate as what decides a claim; None where it has no interval."""
    if found.value is None or found.interval is None:
        return None
    return Measured(found.value, found.interval)


def share(count: int, n: int) -> Measured | None:
    """A share with its Wilson interval; None for n = 0."""
    interval = wilson(count, n)
    return None if interval is None else Measured(count / n, interval)


def counted(count: int, n: int) -> str:
    """``3 of 5 (60 %, 95 % 23 to 88 %)``."""
    found = share(count, n)
    if found is None:
        return "no ended runs"
    low, high = found.interval
    return f"{count} of {n} ({100 * found.value:.0f} %, 95 % {100 * low:.0f} to {100 * high:.0f} %)"


def told(found: Measured | None, factor: float = 1.0, digits: int = 2) -> str:
    """A value with its interval."""
    if found is None:
        return "no interval (too few runs, or all alike)"
    low, high = (factor * end for end in found.interval)
    value = factor * found.value
    return f"{value:.{digits}f} (95 % {low:.{digits}f} to {high:.{digits}f})"
