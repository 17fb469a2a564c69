"""ScoreScale: mean and standard deviation of the training scores, in which scores are trained.

A network learns numbers around 0 of size 1; the scores of a user may lie around 2.7 or 2700. So a
run trains on (score - mean) / std, and what leaves it (outputs on record, saved weights) is turned
back into the user's unit. The training is then the same whatever unit the scores are in: times
1000 changes nothing but the outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from steadytune.errors import BadInput

LARGEST = 1e30  # squares and sums of larger scores leave what fp32 and fp64 hold
SMALLEST = 1e-30  # of the standard deviation; products with smaller ones vanish in fp32
FINEST = 1e-5  # of the largest score: a smaller std is nearly lost in the 24 bits of fp32


@dataclass(frozen=True)
class ScoreScale:
    """The unit of training: ``mean`` is 0 in it and ``std`` (ddof = 0) is 1."""

    mean: float
    std: float

    @classmethod
    def of(cls, scores: NDArray[Any]) -> Self:
        """The scale of the training scores, (N,) finite numbers.

        Raises:
            BadInput: they are all the same, too large, too small, or too close together for fp32.
        """
        values = np.asarray(scores, dtype=np.float64)
        low, high = float(values.min()), float(values.max())
        if low == high:
            raise BadInput(
                f"every training score is {low:g}; training needs scores that differ from each "
                "other"
            )
        largest = max(abs(low), abs(high))
        if largest > LARGEST:
            raise BadInput(
                f"the training scores go up to {largest:.3g} in size; at most {LARGEST:g} is "
                "possible: divide all scores, training and dev, by the same number"
            )
        std = float(values.std())
        if std < SMALLEST:
            raise BadInput(
                f"the training scores differ by a standard deviation of {std:.3g}; at least "
                f"{SMALLEST:g} is needed: multiply all scores, training and dev, by the same number"
            )
        if std < FINEST * largest:
            raise BadInput(
                f"the training scores lie between {low!r} and {high!r}: differences so small "
                "beside numbers so large are lost in fp32; subtract "
                f"{float(values.mean()):.6g} from all scores, training and dev"
            )
        return cls(float(values.mean()), std)

    def about_zero(self) -> Self:
        """The scale of an output layer that has no bias to hold the mean: scores keep their 0."""
        return type(self)(0.0, float(np.hypot(self.mean, self.std)))

    def standardized(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Scores of the user in the unit of training."""
        return (np.asarray(scores, dtype=np.float64) - self.mean) / self.std

    def restored(self, outputs: NDArray[Any]) -> NDArray[np.float32]:
        """Outputs in the unit of training as the user's scores."""
        return (outputs.astype(np.float64) * self.std + self.mean).astype(np.float32)
