"""Task: splits, metric and majority-class baseline, loaded and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadytune.records import TaskFacts
from steadytune.targets import Target


@dataclass(frozen=True)
class Split:
    """Examples in their order on disk.

    Attributes:
        texts: N texts. pairs: N second texts, or None for a task on single texts.
        labels: (N,) int64 class indices, (N,) float64 scores, or (N, K) int64 indicators of several
            labels at once.
    """

    texts: tuple[str, ...]
    pairs: tuple[str, ...] | None
    labels: NDArray[np.int64 | np.float64]

    def __len__(self) -> int:
        return len(self.texts)

    def keys(self) -> Iterable[object]:
        """What makes each example the same as another: its text, or its two texts."""
        return self.texts if self.pairs is None else zip(self.texts, self.pairs, strict=True)


@dataclass(frozen=True)
class Task:
    """A loaded task.

    Attributes:
        name: the title of the choice it was loaded from.
        target: what its labels are.
        train: the training split.
        dev: dev splits by name; one of them selects, one reports (often the same one).
        metric: the headline metric. metrics: all that are reported, those that the failure rule
            reads always among them.
        select: dev split whose headline metric picks the best checkpoint.
        report: dev split that results are reported on.
    """

    name: str
    target: Target
    train: Split
    dev: Mapping[str, Split]
    metric: str
    metrics: tuple[str, ...]
    select: str
    report: str
    facts: TaskFacts
