"""Exploded: an update destroyed what was there, and the run did not find back.

The training loss rose well above that of a constant prediction for a stretch of the run, by more
than the draw of batches explains, and it ended at chance. A run whose loss is above chance from the
first step on and falls from there has not exploded: it began with predictions that were far off.
"""

from __future__ import annotations

import numpy as np

from steadytune.analysis.verdicts._case import Case
from steadytune.analysis.verdicts._finding import Evidence, Finding
from steadytune.analysis.verdicts.remedies import against_collapse
from steadytune.analysis.verdicts.vanishing_gradients import at_chance
from steadytune.early_warning import FEWEST, Thresholds

ERRORS = 4.0  # standard errors above chance; many stretches of a run are looked at


def exploded(case: Case) -> Finding | None:
    """Whether the mean loss over a tenth of the run (at least eight steps) was above chance."""
    width = max(FEWEST, len(case.losses) // 10)
    if not at_chance(case) or len(case.losses) < width:
        return None
    means = np.convolve(case.losses, np.full(width, 1 / width), mode="valid")
    chance, start = case.chance_loss, float(case.losses[0])  # the first loss is before any update
    began_above = start > chance.level + ERRORS * chance.error(1)
    limit = Thresholds().blown * (start if began_above else chance.level)
    limit += ERRORS * chance.error(width)
    above = np.flatnonzero(means >= limit)
    if not len(above):
        return None
    return Finding(
        cause="exploded",
        sentence=(
            "the training loss rose above that of a constant prediction and ended there: the "
            "updates were too large"
        ),
        evidence=(
            Evidence(f"largest mean training loss of {width} steps", float(means.max()), limit),
            Evidence("loss of a constant prediction", case.chance),
            Evidence("mean training loss of the last fifth", case.loss_between(0.8, 1)),
        ),
        onset=int(above[0]) + 1,
        remedies=against_collapse(case),
    )
