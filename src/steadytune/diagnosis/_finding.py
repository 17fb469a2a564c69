"""Finding: what a rule says about a run, with the numbers it says it by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """One number and what it was compared with.

    Attributes:
        what: the number in words. value: it. limit: the threshold, where there is one.
    """

    what: str
    value: float
    limit: float | None = None

    def __str__(self) -> str:
        limit = "" if self.limit is None else f" (limit {self.limit:.3g})"
        return f"{self.what}: {self.value:.3g}{limit}"


@dataclass(frozen=True)
class Remedy:
    """A change that is worth trying.

    Attributes:
        name: of the remedy. words: what to do and why.
        setting: the same as a ``--set`` of ``steadytune run``, where it is one.
    """

    name: str
    words: str
    setting: str | None = None

    def __str__(self) -> str:
        return self.words if self.setting is None else f"{self.words} [--set {self.setting}]"


@dataclass(frozen=True)
class Finding:
    """What one rule found.

    Attributes:
        cause: the rule's name. sentence: what happened, in words.
        evidence: the numbers. onset: the step from which on it shows, where one is known.
        remedies: what to change, the first one first.
    """

    cause: str
    sentence: str
    evidence: tuple[Evidence, ...]
    onset: int | None = None
    remedies: tuple[Remedy, ...] = ()
