"""Early warning: whether a run has become hopeless, from its first steps alone.

A run collapses early or not at all: in the failed runs of Mosbach et al. (2021, figure 4) the
gradient vanishes at the end of warm-up. The rule looks at the first 30 % of the steps, the share
after which Dodge et al. (2020) found it best to decide which runs to stop. Two signs, each of them
enough, compare the last third of that window with the loss of a constant prediction:

- flat: the loss is still at chance, and the gradient norm has fallen below that of the first steps.
  A run that learns late is at chance, too, but its gradient grows. Nothing is said where the loss
  at chance of so few steps differs more between draws of examples than the rule can allow for.
- blown: the loss is well above chance, by more than the draw of examples explains: an update has
  destroyed what was there.

The thresholds are those that do best on the first runs in ``results``; how often they are right on
runs that they were not chosen on is written in ``docs/diagnostics.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from steadytune.chance import Chance

WINDOW = 0.3  # share of all steps that is looked at (Dodge et al. 2020: 20 to 30 %)
FEWEST = 8  # steps in a third of the window below which a mean loss says nothing


@dataclass(frozen=True)
class Thresholds:
    """What the rule compares with.

    Attributes:
        flat: share of the chance loss from which the loss counts as at chance.
        fallen: share of the first steps' median gradient norm below which it has fallen.
        blown: share of the chance loss from which the run counts as destroyed.
        noise: share of the chance loss that its standard error may be for a loss to be called flat.
        errors: standard errors by which a loss must be above chance beyond ``blown``.
    """

    flat: float = 0.97
    fallen: float = 1.0
    blown: float = 1.05
    noise: float = 0.05
    errors: float = 3.0


def watched_steps(total_steps: int) -> int:
    """How many steps the rule looks at."""
    return int(np.ceil(WINDOW * total_steps))


def early_warning(
    losses: ArrayLike,
    grad_norms: ArrayLike,
    total_steps: int,
    chance: Chance,
    thresholds: Thresholds | None = None,
) -> str | None:
    """Why the run is hopeless, in words with numbers; None if it is not, or cannot be judged.

    Args:
        losses: training loss of each step so far.
        grad_norms: global gradient norm of each step, before clipping.
        total_steps: steps that the run is to have.
        chance: loss of the best constant prediction on the training examples.
        thresholds: other ones than the default.
    """
    limits = thresholds or Thresholds()
    watched = watched_steps(total_steps)
    loss, norm = (np.asarray(x, dtype=np.float64)[:watched] for x in (losses, grad_norms))
    third = watched // 3
    if len(loss) < watched or third < FEWEST or chance.level <= 0:
        return None
    level = float(loss[-third:].mean())
    first, last = float(np.median(norm[:third])), float(np.median(norm[-third:]))
    error = chance.error(third)
    if level >= limits.blown * chance.level + limits.errors * error:
        return (
            f"after {watched} of {total_steps} steps the training loss is {level:.3f}, above the "
            f"{chance.level:.3f} of a constant prediction"
        )
    noisy = error > limits.noise * chance.level
    if level >= limits.flat * chance.level and last < limits.fallen * first and not noisy:
        return (
            f"after {watched} of {total_steps} steps the training loss is {level:.3f}, no better "
            f"than the {chance.level:.3f} of a constant prediction, and the gradient norm has "
            f"fallen from {first:.2g} to {last:.2g}"
        )
    return None
