"""Hardly trained: the encoder's weights are where they were at step 0."""

from __future__ import annotations

from steadytune.analysis.verdicts._case import Case
from steadytune.analysis.verdicts._finding import Evidence, Finding
from steadytune.analysis.verdicts.remedies import REACH, higher_lr, longer_if_short

# Fine-tuning that works moves layers by 1 % and more; a hundredth of that is nothing.
STILL = 1e-4


def hardly_trained(case: Case) -> Finding | None:
    """Whether no layer has moved, by measured distance or else by what the schedule allows."""
    moved = [
        float(curve.values[-1])
        for name, curve in case.curves.items()
        if name.startswith("pretrained_distance/layer.")
    ]
    reach = float(case.lrs.sum())
    if moved and max(moved) < STILL:
        evidence = Evidence("largest relative distance of a layer from step 0", max(moved), STILL)
    elif len(case.lrs) and reach < REACH:
        evidence = Evidence("sum of the learning rates of all steps", reach, REACH)
    else:
        return None
    return Finding(
        cause="hardly_trained",
        sentence="the encoder's weights are where they were at the start",
        evidence=(evidence,),
        onset=1,
        remedies=(higher_lr(case), *longer_if_short(case)),
    )
