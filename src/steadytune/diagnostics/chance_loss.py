"""How far the training loss is below that of the best constant prediction.

How to read it: ``excess`` is the loss of the batch minus ``level``, the entropy of the training
labels (ln 2 = 0.693 for two balanced classes), or 1 for scores. About 0 throughout: nothing was
learned. Well above 0 for many steps: updates that are too large. A ``level`` of 0 means that all
training labels are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from steadytune.diagnostics._diagnostic import Cost, Evenly, Moment, Reads


@dataclass(frozen=True)
class ChanceLoss:
    """The training loss beside that of a constant."""

    name: ClassVar[str] = "chance_loss"
    summary: ClassVar[str] = "training loss minus that of the best constant prediction"
    cost: ClassVar[Cost] = "economy"
    reads: ClassVar[frozenset[Reads]] = frozenset()
    schedule: ClassVar[Evenly] = Evenly(points=500)

    def measure(self, moment: Moment) -> dict[str, float]:
        """``level`` and ``excess`` in nats (for scores: variances of the training scores)."""
        return {"level": moment.chance, "excess": moment.loss - moment.chance}
