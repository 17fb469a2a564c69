"""Learning-rate schedules: pure functions from the step to a factor on the peak rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

Schedule = Callable[[float], float]


def warmup_steps(warmup: float | int, total_steps: int) -> int:
    """Warm-up as steps: a float is a share of ``total_steps`` (rounded down), an int is itself."""
    return warmup if isinstance(warmup, int) else int(warmup * total_steps)


def schedule(
    shape: Literal["linear", "cosine", "constant"], total_steps: int, warmup: int
) -> Schedule:
    """Warm-up from 0, then ``shape``: transformers' schedules of the same names.

    Step k (0, 1, ...) has factor k / warmup while k < warmup, so with warm-up the first step has
    rate 0. Then, with x the share of the remaining steps that is done: ``linear`` 1 - x,
    ``cosine`` (1 + cos(pi x)) / 2, ``constant`` 1.
    """

    def factor(step: float) -> float:
        if step < warmup:
            return step / warmup
        done = (step - warmup) / max(1, total_steps - warmup)
        if shape == "linear":
            return max(0.0, 1 - done)
        if shape == "cosine":
            return (1 + math.cos(math.pi * min(1.0, done))) / 2
        return 1.0

    return factor


def correction(step: float, betas: tuple[float, float]) -> float:
    """What bias correction multiplies Adam's step by, up to eps: Mosbach et al., figure 6.

    sqrt(1 - b2^t) / (1 - b1^t) with t = ``step`` + 1.
    """
    b1, b2 = betas
    t = step + 1
    return math.sqrt(1 - b2**t) / (1 - b1**t)


def folded(inner: Schedule, betas: tuple[float, float]) -> Schedule:
    """A schedule times ``correction``: with the correction itself off, the same training.

    Exact for ``eps_mode="hf"``; for ``torch`` up to eps. Weight decay shrinks along, unlike with
    the correction itself.
    """
    return lambda step: inner(step) * correction(step, betas)
