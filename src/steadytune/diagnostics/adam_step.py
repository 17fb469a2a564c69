"""Adam's effective step: what bias correction changes (Mosbach et al., section 6, figure 6).

Without the correction the step is 1 / correction(t) times as large as with it: up to 6.6 times at
step 12 with betas (0.9, 0.999), still 3 times at step 100. How to read it: ``overshoot`` is that
factor where the correction is off and 1 where it is on; ``effective_lr`` is the learning rate times
it, the rate that corrected Adam would need for the same steps. If ``effective_lr`` peaks far above
the peak of the schedule, the first updates are larger than the recipe says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from steadytune.diagnostics._diagnostic import Cost, Evenly, Moment, Reads


@dataclass(frozen=True)
class AdamStep:
    """The factor and the rate, exact up to eps."""

    name: ClassVar[str] = "adam_step"
    summary: ClassVar[str] = "how much larger steps are than those of Adam with bias correction"
    cost: ClassVar[Cost] = "economy"
    reads: ClassVar[frozenset[Reads]] = frozenset()
    schedule: ClassVar[Evenly] = Evenly(points=100, early=True)

    def measure(self, moment: Moment) -> dict[str, float]:
        """``overshoot`` and ``effective_lr``."""
        overshoot = 1.0 if moment.optimizer.bias_correction else 1 / moment.correction
        return {"overshoot": overshoot, "effective_lr": moment.lr * overshoot}
