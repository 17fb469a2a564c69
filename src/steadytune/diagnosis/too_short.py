"""Too short: the run ended before it had learned, while it still could have."""

from __future__ import annotations

from steadytune.diagnosis._case import Case
from steadytune.diagnosis._finding import Evidence, Finding
from steadytune.diagnosis.cautions import FEW_STEPS
from steadytune.diagnosis.remedies import longer
from steadytune.diagnosis.vanishing_gradients import FALLEN, vanishing_gradients

FALLING = 0.05  # of the chance loss: fall from the third quarter to the last that is no accident
LEFT_CHANCE = 0.9  # share of the chance loss below which a loss has left it


def still_learning(case: Case) -> Finding | None:
    """The training loss has left chance and was falling when the run ended."""
    before, last = case.loss_between(0.5, 0.75), case.loss_between(0.75, 1)
    fall = before - last
    if not (fall > FALLING * case.chance and last < LEFT_CHANCE * case.chance):
        return None
    return Finding(
        cause="still_learning",
        sentence="the training loss was still falling when the run ended",
        evidence=(
            Evidence("mean training loss of the third quarter", before),
            Evidence("mean training loss of the last quarter", last),
            Evidence("fall", fall, FALLING * case.chance),
        ),
        remedies=(longer(case),),
    )


def too_few_steps(case: Case) -> Finding | None:
    """A short run with a gradient that has not vanished and a loss that has hardly moved."""
    first, last = case.norm_between(0, 0.1), case.norm_between(0.8, 1)
    if len(case.losses) >= FEW_STEPS or last < FALLEN * first or vanishing_gradients(case):
        return None
    return Finding(
        cause="too_few_steps",
        sentence=(
            f"{len(case.losses)} steps were too few: the gradient had not vanished, so the run "
            "could still have learned"
        ),
        evidence=(
            Evidence("steps", float(len(case.losses)), float(FEW_STEPS)),
            Evidence("mean training loss of the last fifth", case.loss_between(0.8, 1)),
            Evidence("loss of a constant prediction", case.chance),
            Evidence("median gradient norm of the first tenth", first),
            Evidence("median gradient norm of the last fifth", last, FALLEN * first),
        ),
        remedies=(longer(case),),
    )
