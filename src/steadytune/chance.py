"""Chance: the loss of the best constant prediction, and how much it differs between batches.

With two balanced classes every batch has the same loss at chance, ln 2. With rare classes, and with
scores, it depends on which examples are in the batch: 16 scores have a squared error around their
mean of 1, give or take 0.35. A rule that compares the loss of some steps with chance must know how
much of a difference that alone makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Chance:
    """The loss of the best constant prediction, without regard to the text.

    Attributes:
        level: its mean over the examples: the entropy of the labels in nats, or the variance of
            the scores.
        spread: standard deviation (ddof = 0) of one example's loss.
        batch_size: examples in a step. examples: in the training split.
    """

    level: float
    spread: float
    batch_size: int
    examples: int

    @classmethod
    def of(
        cls, labels: NDArray[Any], classes: bool, batch_size: int, examples: int | None = None
    ) -> Self:
        """That of (N,) labels, which stand for a training split of ``examples`` (default N)."""
        losses = _of_classes(labels) if classes else (labels - labels.mean()) ** 2
        size = len(labels) if examples is None else examples
        return cls(float(losses.mean()), float(losses.std()), batch_size, size)

    def error(self, steps: int) -> float:
        """Standard error of the mean loss of so many steps at chance, by the draw of examples.

        Whole epochs add nothing to it: only what is left of one at both ends is drawn.
        """
        seen = max(1, steps * self.batch_size)
        return self.spread * float(np.sqrt(min(seen, self.examples / 2))) / seen


def _of_classes(labels: NDArray[Any]) -> NDArray[np.float64]:
    _, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.abs(np.log(counts / len(labels)))[which]
