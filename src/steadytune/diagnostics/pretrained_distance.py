"""How far each layer has moved from where it started.

How to read it: ``layer.3`` is |w - w_0| / |w_0| over all tensors of the layer, w_0 being the values
at step 0 (pretrained, or drawn afresh). Fine-tuning that works moves layers by about 1 % ... 20 %,
the upper ones most. Values below 1e-4 at the end: hardly anything was trained. A jump within the
first steps: updates that are too large.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from steadytune.diagnostics._diagnostic import Cost, Evenly, Moment, Reads
from steadytune.diagnostics._movement import distances, lengths


@dataclass(frozen=True)
class PretrainedDistance:
    """Relative L2 distance from step 0, part by part."""

    name: ClassVar[str] = "pretrained_distance"
    summary: ClassVar[str] = "relative L2 distance of each layer from its weights at step 0"
    cost: ClassVar[Cost] = "economy"
    reads: ClassVar[frozenset[Reads]] = frozenset()
    schedule: ClassVar[Evenly] = Evenly(points=20, apart=16)

    def measure(self, moment: Moment) -> dict[str, float]:
        """One value for each part; a part that starts at zero has none."""
        moved = distances(moment.table, moment.after, moment.start)
        began = lengths(moment.table, moment.start)
        return {part: moved[part] / began[part] for part in moved if began[part]}
