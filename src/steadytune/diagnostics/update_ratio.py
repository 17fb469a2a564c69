"""How large an update is beside the weights that it changes.

How to read it: ``layer.3`` is |dw| / |w| of the step. About 1e-3 is what trainings that work show
near their peak learning rate; 1e-2 and more in the first steps goes with runs that collapse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from steadytune.diagnostics._diagnostic import Cost, Evenly, Moment, Reads
from steadytune.diagnostics._movement import distances, lengths


@dataclass(frozen=True)
class UpdateRatio:
    """L2 norm of the update over that of the weights before it, part by part."""

    name: ClassVar[str] = "update_ratio"
    summary: ClassVar[str] = "size of the update beside that of the weights, for each layer"
    cost: ClassVar[Cost] = "economy"
    reads: ClassVar[frozenset[Reads]] = frozenset({"before"})
    schedule: ClassVar[Evenly] = Evenly(points=20, apart=16, early=True)

    def measure(self, moment: Moment) -> dict[str, float]:
        """One value for each part; a part that is all zero has none."""
        moved = distances(moment.table, moment.after, moment.before)
        weights = lengths(moment.table, moment.before)
        return {part: moved[part] / weights[part] for part in moved if weights[part]}
