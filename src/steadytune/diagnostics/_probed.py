"""What the diagnostics of the probe pass have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from steadytune.diagnostics._diagnostic import Cost, Evenly, Moment, Reads
from steadytune.procedure import Activations


class Probed(ABC):
    """A Diagnostic of what a pass over the probe leaves behind; they share one such pass."""

    cost: ClassVar[Cost] = "full"
    reads: ClassVar[frozenset[Reads]] = frozenset({"activations"})
    schedule: ClassVar[Evenly] = Evenly(points=30, apart=10, early=True)

    def measure(self, moment: Moment) -> dict[str, float]:
        """What ``look`` finds; nothing where the encoder does not show its activations."""
        seen = moment.activations()
        return {} if seen is None else self.look(seen)

    @abstractmethod
    def look(self, seen: Activations) -> dict[str, float]:
        """What it finds, by the part of the values' names after the slash."""
